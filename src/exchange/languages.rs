//! Detects languages from names of files (`x.it.md`), and of folders that contain one site in several languages (`en/x.md`, `it/x.md`).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::domain::locale::Locale;

/// The languages of ISO 639-1, and other languages that sites are written in. Other tags are not languages: `vue.js.md`
/// is no translation.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et eu fa ff \
    fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li \
    ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm \
    sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu \
    ast bho ceb chr ckb cnr csb dsb fil fur gsw haw hmn hsb kab kok lld mai mni nds nso pap sah sat scn sco smn szl tet tok vec wae yue zgh";

/// Whether the tag's language exists.
pub(crate) fn is_language(locale: &Locale) -> bool {
    let language = locale.as_str().split('-').next().unwrap_or("");
    LANGUAGES.split_whitespace().any(|existing| existing == language)
}

/// The top-level folders that are languages, each with its rank. The originals have rank 0.
#[derive(Debug, Default)]
pub(crate) struct LanguageFolders(BTreeMap<String, (usize, Locale)>);

impl LanguageFolders {
    /// A folder with the name of a language is one if at least half of its files have the same path in another such
    /// folder, or outside of all of them: `it/` and `hr/` may be departments. Originals are in the site's default
    /// locale, else in the folder with the most files.
    pub(crate) fn detect<'p>(files: impl Iterator<Item = &'p str>, default_locale: &str) -> Self {
        let all: BTreeSet<&str> = files.collect();
        let mut within: BTreeMap<&str, (Locale, Vec<&str>)> = BTreeMap::new();
        let mut path_counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (folder, path) in all.iter().filter_map(|path| path.split_once('/')).filter(|(_, path)| !is_index(path)) {
            let Some(locale) = Locale::parse(folder).filter(is_language) else { continue };
            within.entry(folder).or_insert_with(|| (locale, Vec::new())).1.push(path);
            *path_counts.entry(path).or_default() += 1;
        }
        let is_elsewhere = |path: &str| all.contains(path) || path_counts.get(path).is_some_and(|folders| *folders > 1);
        within.retain(|_, (_, own)| own.iter().filter(|path| is_elsewhere(path)).count() * 2 >= own.len());
        let mut folders: Vec<(&str, Locale, usize)> =
            within.into_iter().map(|(folder, (locale, own))| (folder, locale, own.len())).collect();
        folders.sort_by_key(|(_, locale, files)| (locale.as_str() != default_locale, Reverse(*files)));
        Self(folders.into_iter().enumerate().map(|(rank, (folder, locale, _))| (folder.to_owned(), (rank, locale))).collect())
    }

    /// The rank and language of a path, and the rest of the path.
    pub(crate) fn split_path<'p>(&self, path: &'p str) -> Option<(usize, &Locale, &'p str)> {
        let (folder, rest) = path.split_once('/')?;
        let (rank, locale) = self.0.get(folder)?;
        Some((*rank, locale, rest))
    }
}

/// Index pages are in every section, and so are no evidence.
fn is_index(path: &str) -> bool {
    matches!(path.split('.').next(), Some("index" | "_index"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn languages(paths: &[&str]) -> Vec<(String, usize)> {
        LanguageFolders::detect(paths.iter().copied(), "en").0.into_iter().map(|(folder, (rank, _))| (folder, rank)).collect()
    }

    #[test]
    fn folders_with_the_same_paths_are_languages() {
        let found = languages(&["en/a.md", "en/b/c.md", "zh-cn/b/c.md", "zh-cn/a.md", "zh-cn/d.md", "de/a.md", "blog/a.md"]);
        assert_eq!(found, [("de".to_owned(), 2), ("en".to_owned(), 0), ("zh-cn".to_owned(), 1)]);
        assert_eq!(languages(&["a.md", "it/a.md"]), [("it".to_owned(), 0)], "the originals are outside of the folder");
    }

    #[test]
    fn folders_with_other_paths_are_not_languages() {
        assert!(languages(&["it/servers.md", "it/_index.md", "hr/people.md", "hr/_index.md", "_index.md"]).is_empty());
        assert!(languages(&["it/a.md", "it/b.md", "it/c.md", "hr/a.md", "hr/d.md", "hr/e.md"]).is_empty(), "one file in three is shared");
        assert!(languages(&["js/a.md", "posts/a.md"]).is_empty());
    }
}
