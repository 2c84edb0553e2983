//! Looks at the paths of a Markdown folder: which files belong together, what each of them is, and which slug it gets.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::locale::Locale;
use crate::domain::slug::{MAX_SLUG, Slug};
use crate::domain::term::TermKind;
use crate::exchange::languages;
use crate::exchange::languages::LanguageFolders;
use crate::exchange::{ConversionNote, dates, names};

/// Every path of the folder, either in a unit or skipped with a reason.
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
    /// The slug its place gives, unless the front matter says another.
    pub slug: String,
    pub slug_notes: Vec<ConversionNote>,
    /// The day in a Jekyll file name.
    pub date: Option<String>,
    /// The top folder, if it says anything.
    pub folder: Option<String>,
    pub in_drafts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    Insight,
    /// `_index.md` in a term's own folder: its body is the description.
    Term(TermKind),
    /// `_index.md` of a top-level section: a category whose description is in the front matter.
    Section,
    /// Any other `_index.md`: an insight, if it says anything.
    Index,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitFile {
    pub path: String,
    pub part: UnitPart,
}

/// What a file is to its unit.
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
    /// In the order in which `folder::read` wants the contents.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.path.as_str())
    }
}

/// The folders that an export writes.
const EXPORTED: [&str; 5] = ["insights", "_drafts", "categories", "tags", "authors"];

const EXTENSIONS: [&str; 3] = ["md", "markdown", "mdx"];

/// A folder, a stem without its locale, an extension.
type UnitKey = (String, String, String);

/// Where a file lies, without the language that its folder is of, and that with its rank.
struct FileLocation {
    key: UnitKey,
    language: Option<(usize, Locale)>,
}

/// Paths relative to the folder, with `/` between their parts, for a site of this default locale.
#[must_use]
pub fn plan(paths: &[String], default_locale: &str) -> FolderPlan {
    let mut plan = FolderPlan::default();
    let folders = LanguageFolders::find(paths.iter().map(String::as_str).filter(|path| key_of(path).is_ok()), default_locale);
    let mut known: BTreeMap<&str, FileLocation> = BTreeMap::new();
    for path in paths {
        let language = folders.of(path);
        match key_of(language.map_or(path, |(_, _, within)| within)) {
            Ok(_) if known.contains_key(path.as_str()) => plan.skipped.push((path.clone(), "is named twice".to_owned())),
            Ok(key) => drop(known.insert(path, FileLocation { key, language: language.map(|(rank, locale, _)| (rank, locale.clone())) })),
            Err(reason) => plan.skipped.push((path.clone(), reason.to_owned())),
        }
    }
    let mut units = grouped(&known, &mut plan.skipped);
    let published: BTreeMap<UnitKey, usize> = units.iter().enumerate().map(|(place, (key, _))| (key.clone(), place)).collect();
    let mut gone = BTreeSet::new();
    for place in 0..units.len() {
        let Some(target) = published_of(&units[place].0).and_then(|key| published.get(&key).copied()) else { continue };
        let whole = |unit: &Unit| unit.kind == UnitKind::Insight && unit.files[0].part == UnitPart::Main(None);
        if whole(&units[place].1) && whole(&units[target].1) {
            let files = std::mem::take(&mut units[place].1.files);
            units[target].1.files.extend(files.into_iter().map(as_draft));
            gone.insert(place);
        }
    }
    let mut place = 0..;
    units.retain(|_| place.next().is_some_and(|place| !gone.contains(&place)));
    name(&mut units);
    plan.units = units.into_iter().map(|(_, unit)| unit).collect();
    plan.units.sort_by(|a, b| a.files[0].path.cmp(&b.files[0].path));
    plan.skipped.sort();
    plan
}

fn key_of(path: &str) -> Result<UnitKey, &'static str> {
    let (dir, file) = path.rsplit_once('/').unwrap_or(("", path));
    if path.split('/').any(|part| part.is_empty() || part.starts_with('.') || part == "node_modules") {
        return Err("is hidden, or its path has a part that is no name");
    }
    let (stem, extension) = file.rsplit_once('.').ok_or("is no Markdown file")?;
    let extension = extension.to_ascii_lowercase();
    if !EXTENSIONS.contains(&extension.as_str()) {
        return Err("is no Markdown file");
    }
    Ok((dir.to_owned(), stem.to_owned(), extension))
}

/// Main files with their translations, in the order of their keys.
fn grouped(known: &BTreeMap<&str, FileLocation>, skipped: &mut Vec<(String, String)>) -> Vec<(UnitKey, Unit)> {
    let keys: BTreeSet<&UnitKey> = known.values().map(|place| &place.key).collect();
    let mut groups: BTreeMap<UnitKey, Vec<(usize, UnitFile)>> = BTreeMap::new();
    for (path, FileLocation { key, language }) in known {
        let (base, locale) = match language {
            Some((rank, locale)) => (key.clone(), Some((*rank, locale.clone()))),
            None => translated(key, &keys).map_or((key.clone(), None), |(base, locale)| (base, Some((0, locale)))),
        };
        let files = groups.entry(base).or_default();
        let (rank, part) = locale.map_or((0, UnitPart::Main(None)), |(rank, locale)| (rank, UnitPart::Translation(locale)));
        if let Some((_, twin)) = files.iter().find(|(_, file)| file.part == part) {
            skipped.push(((*path).to_owned(), format!("is in the same language as {}", twin.path)));
        } else {
            files.push((rank, UnitFile { path: (*path).to_owned(), part }));
        }
    }
    let ordered = |mut files: Vec<(usize, UnitFile)>| {
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
    groups.into_iter().map(|(key, files)| (key.clone(), unit(&key, ordered(files)))).collect()
}

/// The main file's key and the locale, if the stem ends in a language tag.
fn translated(key: &UnitKey, keys: &BTreeSet<&UnitKey>) -> Option<(UnitKey, Locale)> {
    let (dir, stem, extension) = key;
    let (base, tag) = stem.rsplit_once('.')?;
    let locale = Locale::parse(tag).filter(|_| !base.is_empty())?;
    let base = (dir.clone(), base.to_owned(), extension.clone());
    // `node.js.md` and `faq.old.md` are no translations. An export names every locale so, and its files have no other dots in their names.
    let is_exported = EXPORTED.contains(&dir.split('/').next().unwrap_or(""));
    let real = languages::is_language(&locale) || is_exported && keys.contains(&base);
    real.then_some((base, locale))
}

fn unit((dir, stem, _): &UnitKey, files: Vec<UnitFile>) -> Unit {
    let folders: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    let kind = if stem == "_index" { index_kind(&folders) } else { UnitKind::Insight };
    let is_bundle = stem == "index" && !folders.is_empty();
    let above = if is_bundle { &folders[..folders.len() - 1] } else { &folders[..] };
    Unit {
        kind,
        files,
        slug: String::new(),
        slug_notes: Vec::new(),
        date: dates::of_file_name(own_name(&folders, stem)).map(|(date, _)| date),
        folder: above.iter().find(|part| !part.starts_with('_')).map(|part| (*part).to_owned()),
        in_drafts: folders.contains(&"_drafts"),
    }
}

fn index_kind(folders: &[&str]) -> UnitKind {
    let of = |folder: &str| TermKind::ALL.into_iter().find(|kind| kind.plural() == folder);
    match folders {
        [.., terms, _] if of(terms).is_some() => of(terms).map_or(UnitKind::Index, UnitKind::Term),
        [section] if of(section).is_none() && !section.starts_with('_') => UnitKind::Section,
        _ => UnitKind::Index,
    }
}

/// The stem, or the folder of an `index.md`.
fn own_name<'a>(folders: &[&'a str], stem: &'a str) -> &'a str {
    folders.last().filter(|_| stem == "index" || stem == "_index").copied().unwrap_or(stem)
}

/// Where the published version of a draft would lie: `insights/x.md` for `_drafts/x.md`.
fn published_of((dir, stem, extension): &UnitKey) -> Option<UnitKey> {
    let mut folders: Vec<&str> = dir.split('/').collect();
    let drafts = folders.iter_mut().find(|folder| **folder == "_drafts")?;
    *drafts = "insights";
    Some((folders.join("/"), stem.clone(), extension.clone()))
}

fn as_draft(file: UnitFile) -> UnitFile {
    let part = match file.part {
        UnitPart::Translation(locale) => UnitPart::DraftTranslation(locale),
        _ => UnitPart::Draft,
    };
    UnitFile { path: file.path, part }
}

/// Gives every unit its slug: its own name where no other has it, else its whole path.
fn name(units: &mut [(UnitKey, Unit)]) {
    let own: Vec<String> = units.iter().map(|(key, unit)| short_slug(key, unit.kind)).collect();
    let mut held: HashMap<&str, usize> = HashMap::new();
    let is_insight = |unit: &Unit| matches!(unit.kind, UnitKind::Insight | UnitKind::Index);
    units.iter().zip(&own).filter(|((_, unit), _)| is_insight(unit)).for_each(|(_, slug)| *held.entry(slug).or_default() += 1);
    let taken = |slug: &str| held.get(slug).copied().unwrap_or(0);
    let long: Vec<String> = units.iter().map(|(key, _)| long_slug(key)).collect();
    let mut long_held: HashMap<&str, usize> = HashMap::new();
    long.iter().zip(&own).filter(|(_, own)| taken(own) > 1).for_each(|(long, _)| *long_held.entry(long).or_default() += 1);
    for (place, (_, unit)) in units.iter_mut().enumerate() {
        if !is_insight(unit) || taken(&own[place]) < 2 {
            unit.slug.clone_from(&own[place]);
            continue;
        }
        let unique = long_held.get(long[place].as_str()) == Some(&1) && taken(&long[place]) == 0;
        unit.slug = if unique { long[place].clone() } else { marked(&long[place], &unit.files[0].path) };
        unit.slug_notes.push(ConversionNote::new("slug-from-path", format!("more than one file is named {}", own[place])));
    }
    for (key, unit) in units {
        let folders: Vec<&str> = key.0.split('/').filter(|part| !part.is_empty()).collect();
        let name = own_name(&folders, &key.1);
        let name = if unit.kind == UnitKind::Insight { dates::of_file_name(name).map_or(name, |(_, rest)| rest) } else { name };
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
    // The day before a post's name is its date; before a term's, it is part of the name.
    let name = if kind == UnitKind::Insight { dates::of_file_name(name).map_or(name, |(_, rest)| rest) } else { name };
    names::slug_of(name)
}

fn long_slug((dir, stem, _): &UnitKey) -> String {
    let is_index = (stem == "index" || stem == "_index") && !dir.is_empty();
    let path = if is_index { dir.clone() } else { format!("{dir}/{stem}") };
    Slug::derive(&path.replace('/', " ")).into_string()
}

/// The slug with a mark made from the path alone, so that other files never change it (FNV-1a).
pub(crate) fn marked(slug: &str, path: &str) -> String {
    let mark = path.bytes().fold(0x811c_9dc5_u32, |mark, byte| (mark ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let base = slug[..slug.len().min(MAX_SLUG - 9)].trim_end_matches('-');
    format!("{base}-{mark:08x}")
}
