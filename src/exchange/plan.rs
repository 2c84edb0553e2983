//! Plans the import of a Markdown folder from its paths alone: which files belong together, what each is, and which slug it gets.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::fnv::fnv1a;
use crate::domain::locale::Locale;
use crate::domain::slug::{MAX_SLUG, Slug};
use crate::domain::term::TermKind;
use crate::exchange::languages;
use crate::exchange::languages::LanguageFolders;
use crate::exchange::{ConversionNote, dates, names};

/// Every path of the folder is in a unit, or skipped with a reason.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FolderPlan {
    pub units: Vec<Unit>,
    pub skipped: Vec<(String, String)>,
}

/// Files that become one line.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    pub kind: UnitKind,
    pub files: Vec<UnitFile>,
    /// The slug from the path; the front matter may set another one.
    pub slug: String,
    pub slug_notes: Vec<ConversionNote>,
    /// The date in a Jekyll file name.
    pub date: Option<String>,
    /// The top-level folder, unless its name starts with `_`.
    pub folder: Option<String>,
    pub in_drafts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    Insight,
    /// `_index.md` in a term's folder: its body is the description.
    Term(TermKind),
    /// `_index.md` of a top-level section: a category whose description is in the front matter.
    Section,
    /// Any other `_index.md`: an insight, if it has text.
    Index,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitFile {
    pub path: String,
    pub part: UnitPart,
}

/// What a file is in its unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitPart {
    /// The main texts, with the locale of the file name where only translated files exist.
    Main(Option<Locale>),
    Translation(Locale),
    /// A newer, unpublished version.
    Draft,
    DraftTranslation(Locale),
}

impl Unit {
    /// In the order in which `folder::read` expects the contents.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.path.as_str())
    }
}

/// The folders that an export writes.
const EXPORT_FOLDERS: [&str; 5] = ["insights", "_drafts", "categories", "tags", "authors"];

const MARKDOWN_EXTENSIONS: [&str; 3] = ["md", "markdown", "mdx"];

/// `-` and eight hexadecimal digits.
const HASH_SUFFIX_LENGTH: usize = 9;

/// The folder, the stem without its locale, the extension.
type UnitKey = (String, String, String);

/// The key of a file, without its language folder, and the language with its rank.
struct FileLocation {
    key: UnitKey,
    language: Option<(usize, Locale)>,
}

/// Plans a folder. Paths are relative to it, with `/` between their parts; `default_locale` is the site's.
#[must_use]
pub fn plan(paths: &[String], default_locale: &str) -> FolderPlan {
    let mut plan = FolderPlan::default();
    let folders = LanguageFolders::detect(paths.iter().map(String::as_str).filter(|path| parse_key(path).is_ok()), default_locale);
    let mut locations: BTreeMap<&str, FileLocation> = BTreeMap::new();
    for path in paths {
        let language = folders.split_path(path);
        match parse_key(language.map_or(path, |(_, _, rest)| rest)) {
            Ok(_) if locations.contains_key(path.as_str()) => plan.skipped.push((path.clone(), "is listed twice".to_owned())),
            Ok(key) => {
                let language = language.map(|(rank, locale, _)| (rank, locale.clone()));
                locations.insert(path, FileLocation { key, language });
            }
            Err(reason) => plan.skipped.push((path.clone(), reason.to_owned())),
        }
    }
    let mut units = group_files(&locations, &mut plan.skipped);
    attach_drafts(&mut units);
    assign_slugs(&mut units);
    plan.units = units.into_iter().map(|(_, unit)| unit).collect();
    plan.units.sort_by(|a, b| a.files[0].path.cmp(&b.files[0].path));
    plan.skipped.sort();
    plan
}

/// Moves a draft's files into the unit of its published version.
fn attach_drafts(units: &mut Vec<(UnitKey, Unit)>) {
    let indexes: BTreeMap<UnitKey, usize> = units.iter().enumerate().map(|(index, (key, _))| (key.clone(), index)).collect();
    let is_plain_insight = |unit: &Unit| unit.kind == UnitKind::Insight && unit.files[0].part == UnitPart::Main(None);
    let mut attached = BTreeSet::new();
    for index in 0..units.len() {
        let Some(target) = published_key(&units[index].0).and_then(|key| indexes.get(&key).copied()) else { continue };
        if is_plain_insight(&units[index].1) && is_plain_insight(&units[target].1) {
            let files = std::mem::take(&mut units[index].1.files);
            units[target].1.files.extend(files.into_iter().map(to_draft_file));
            attached.insert(index);
        }
    }
    let mut index = 0..;
    units.retain(|_| index.next().is_some_and(|index| !attached.contains(&index)));
}

fn parse_key(path: &str) -> Result<UnitKey, &'static str> {
    let (dir, file) = path.rsplit_once('/').unwrap_or(("", path));
    if path.split('/').any(|part| part.is_empty() || part.starts_with('.') || part == "node_modules") {
        return Err("is hidden, or its path has an empty part");
    }
    let (stem, extension) = file.rsplit_once('.').ok_or("is not a Markdown file")?;
    let extension = extension.to_ascii_lowercase();
    if !MARKDOWN_EXTENSIONS.contains(&extension.as_str()) {
        return Err("is not a Markdown file");
    }
    Ok((dir.to_owned(), stem.to_owned(), extension))
}

/// Groups main files with their translations, in the order of their keys.
fn group_files(locations: &BTreeMap<&str, FileLocation>, skipped: &mut Vec<(String, String)>) -> Vec<(UnitKey, Unit)> {
    let keys: BTreeSet<&UnitKey> = locations.values().map(|location| &location.key).collect();
    let mut groups: BTreeMap<UnitKey, Vec<(usize, UnitFile)>> = BTreeMap::new();
    for (path, FileLocation { key, language }) in locations {
        let (base, locale) = match language {
            Some((rank, locale)) => (key.clone(), Some((*rank, locale.clone()))),
            None => split_locale(key, &keys).map_or((key.clone(), None), |(base, locale)| (base, Some((0, locale)))),
        };
        let files = groups.entry(base).or_default();
        let (rank, part) = locale.map_or((0, UnitPart::Main(None)), |(rank, locale)| (rank, UnitPart::Translation(locale)));
        if let Some((_, twin)) = files.iter().find(|(_, file)| file.part == part) {
            skipped.push(((*path).to_owned(), format!("is in the same language as {}", twin.path)));
        } else {
            files.push((rank, UnitFile { path: (*path).to_owned(), part }));
        }
    }
    let sort_files = |mut files: Vec<(usize, UnitFile)>| {
        files.sort_by_key(|(rank, file)| match &file.part {
            UnitPart::Translation(locale) => Some((*rank, locale.clone())),
            _ => None,
        });
        let mut files: Vec<UnitFile> = files.into_iter().map(|(_, file)| file).collect();
        if let UnitPart::Translation(locale) = &files[0].part {
            files[0].part = UnitPart::Main(Some(locale.clone()));
        }
        files
    };
    groups.into_iter().map(|(key, files)| (key.clone(), new_unit(&key, sort_files(files)))).collect()
}

/// The main file's key and the locale, if the stem ends with a language tag.
fn split_locale(key: &UnitKey, keys: &BTreeSet<&UnitKey>) -> Option<(UnitKey, Locale)> {
    let (dir, stem, extension) = key;
    let (base, tag) = stem.rsplit_once('.')?;
    let locale = Locale::parse(tag).filter(|_| !base.is_empty())?;
    let base = (dir.clone(), base.to_owned(), extension.clone());
    // `node.js.md` and `faq.old.md` are no translations. In an export, every suffix is a locale: its file names have no other dots.
    let is_exported = EXPORT_FOLDERS.contains(&dir.split('/').next().unwrap_or(""));
    let is_locale = languages::is_language(&locale) || is_exported && keys.contains(&base);
    is_locale.then_some((base, locale))
}

fn new_unit((dir, stem, _): &UnitKey, files: Vec<UnitFile>) -> Unit {
    let folders: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    let kind = if stem == "_index" { index_kind(&folders) } else { UnitKind::Insight };
    let is_bundle = stem == "index" && !folders.is_empty();
    let parents = if is_bundle { &folders[..folders.len() - 1] } else { &folders[..] };
    Unit {
        kind,
        files,
        slug: String::new(),
        slug_notes: Vec::new(),
        date: dates::parse_file_name(own_name(&folders, stem)).map(|(date, _)| date),
        folder: parents.iter().find(|part| !part.starts_with('_')).map(|part| (*part).to_owned()),
        in_drafts: folders.contains(&"_drafts"),
    }
}

fn index_kind(folders: &[&str]) -> UnitKind {
    let term_kind = |folder: &str| TermKind::ALL.into_iter().find(|kind| kind.plural() == folder);
    match folders {
        [.., terms, _] if term_kind(terms).is_some() => term_kind(terms).map_or(UnitKind::Index, UnitKind::Term),
        [section] if term_kind(section).is_none() && !section.starts_with('_') => UnitKind::Section,
        _ => UnitKind::Index,
    }
}

/// The stem, or the folder's name for an `index.md`.
fn own_name<'a>(folders: &[&'a str], stem: &'a str) -> &'a str {
    folders.last().filter(|_| stem == "index" || stem == "_index").copied().unwrap_or(stem)
}

/// The key of a draft's published version: `insights/x.md` for `_drafts/x.md`.
fn published_key((dir, stem, extension): &UnitKey) -> Option<UnitKey> {
    let mut folders: Vec<&str> = dir.split('/').collect();
    let drafts = folders.iter_mut().find(|folder| **folder == "_drafts")?;
    *drafts = "insights";
    Some((folders.join("/"), stem.clone(), extension.clone()))
}

fn to_draft_file(file: UnitFile) -> UnitFile {
    let part = match file.part {
        UnitPart::Translation(locale) => UnitPart::DraftTranslation(locale),
        _ => UnitPart::Draft,
    };
    UnitFile { path: file.path, part }
}

/// Assigns the slugs: the name of a unit if it is unique, else its whole path.
fn assign_slugs(units: &mut [(UnitKey, Unit)]) {
    let own: Vec<String> = units.iter().map(|(key, unit)| short_slug(key, unit.kind)).collect();
    let mut uses: HashMap<&str, usize> = HashMap::new();
    let is_insight = |unit: &Unit| matches!(unit.kind, UnitKind::Insight | UnitKind::Index);
    units.iter().zip(&own).filter(|((_, unit), _)| is_insight(unit)).for_each(|(_, slug)| *uses.entry(slug).or_default() += 1);
    let count = |slug: &str| uses.get(slug).copied().unwrap_or(0);
    let long: Vec<String> = units.iter().map(|(key, _)| long_slug(key)).collect();
    let mut long_uses: HashMap<&str, usize> = HashMap::new();
    long.iter().zip(&own).filter(|(_, own)| count(own) > 1).for_each(|(long, _)| *long_uses.entry(long).or_default() += 1);
    for (index, (_, unit)) in units.iter_mut().enumerate() {
        if !is_insight(unit) || count(&own[index]) < 2 {
            unit.slug.clone_from(&own[index]);
            continue;
        }
        let is_unique = long_uses.get(long[index].as_str()) == Some(&1) && count(&long[index]) == 0;
        unit.slug = if is_unique { long[index].clone() } else { slug_with_hash(&long[index], &unit.files[0].path) };
        unit.slug_notes.push(ConversionNote::new("slug-from-path", format!("more than one file is named {}", own[index])));
    }
    for (key, unit) in units {
        let folders: Vec<&str> = key.0.split('/').filter(|part| !part.is_empty()).collect();
        let name = own_name(&folders, &key.1);
        let name = if unit.kind == UnitKind::Insight { dates::parse_file_name(name).map_or(name, |(_, rest)| rest) } else { name };
        if unit.slug_notes.is_empty() && Slug::parse(name).is_none() {
            unit.slug_notes.push(ConversionNote::new("slug-derived", format!("{name:?} became {}", unit.slug)));
        }
    }
}

fn short_slug(key: &UnitKey, kind: UnitKind) -> String {
    let (dir, stem, _) = key;
    if kind == UnitKind::Index {
        return long_slug(key);
    }
    let folders: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    let name = own_name(&folders, stem);
    // A date before the name of a post is its date; before the name of a term, it is part of the name.
    let name = if kind == UnitKind::Insight { dates::parse_file_name(name).map_or(name, |(_, rest)| rest) } else { name };
    names::to_slug(name)
}

fn long_slug((dir, stem, _): &UnitKey) -> String {
    let is_index = (stem == "index" || stem == "_index") && !dir.is_empty();
    let path = if is_index { dir.clone() } else { format!("{dir}/{stem}") };
    Slug::derive(&path.replace('/', " ")).into_string()
}

/// The slug with a hash of the path alone, so that other files never change it.
pub(crate) fn slug_with_hash(slug: &str, path: &str) -> String {
    let base = slug[..slug.len().min(MAX_SLUG - HASH_SUFFIX_LENGTH)].trim_end_matches('-');
    format!("{base}-{:08x}", fnv1a(path))
}
