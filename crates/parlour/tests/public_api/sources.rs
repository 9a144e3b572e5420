//! Crates as their sources say: modules, items, and what names stand for.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use syn::{Attribute, Item, ItemMod, UseTree, Visibility};

/// All modules of some crates, by their paths: `parlour::router::event`.
pub(crate) struct Sources(BTreeMap<String, Module>);

pub(crate) struct Module {
    pub(crate) items: Vec<Item>,
    /// What names stand for, and whether that is public.
    pub(crate) uses: HashMap<String, (Vec<String>, bool)>,
}

/// What a name stands for.
pub(crate) enum Found<'a> {
    /// An item of one of these crates, in this module.
    Item(String, &'a Item),
    Module(String),
    /// Of another crate.
    Foreign(String),
}

impl Sources {
    pub(crate) fn read(crates: &[(&str, PathBuf)]) -> Self {
        let mut modules = BTreeMap::new();
        for (name, file) in crates {
            let text = std::fs::read_to_string(file).unwrap();
            let items = syn::parse_file(&text).unwrap().items;
            let folder = file.parent().unwrap();
            add(&mut modules, (*name).to_owned(), folder, items);
        }
        Self(modules)
    }

    pub(crate) fn module(&self, path: &str) -> Option<&Module> {
        self.0.get(path)
    }

    /// The modules of the crate that `module` is in.
    pub(crate) fn siblings(&self, module: &str) -> impl Iterator<Item = (&String, &Module)> {
        let root = root(module).to_owned();
        self.0
            .iter()
            .filter(move |(path, _)| self::root(path) == root)
    }

    /// What `name` stands for in a module.
    pub(crate) fn find(&self, module: &str, name: &str) -> Option<Found<'_>> {
        let (path, items) = self.0.get_key_value(module)?;
        if let Some(item) = items.items.iter().find(|item| defines(item, name)) {
            return Some(Found::Item(path.clone(), item));
        }
        if let Some(item) = made_by_macro(&items.items, name) {
            return Some(Found::Item(path.clone(), item));
        }
        let child = format!("{module}::{name}");
        if self.0.contains_key(&child) {
            return Some(Found::Module(child));
        }
        let (target, _) = items.uses.get(name)?;
        Some(self.follow(module, target))
    }

    /// What a path stands for in a module.
    pub(crate) fn follow(&self, module: &str, path: &[String]) -> Found<'_> {
        let foreign = || Found::Foreign(path.join("::"));
        let (first, rest) = path.split_first().unwrap();
        let parent = || {
            module
                .rsplit_once("::")
                .map_or(module, |(parent, _)| parent)
        };
        let start = match first.as_str() {
            "crate" => Some(Found::Module(root(module).to_owned())),
            "self" => Some(Found::Module(module.to_owned())),
            "super" => Some(Found::Module(parent().to_owned())),
            name if self.0.contains_key(name) => Some(Found::Module(name.to_owned())),
            name => self.find(module, name),
        };
        let Some(mut found) = start else {
            return foreign();
        };
        for name in rest {
            found = match found {
                Found::Module(module) => match self.find(&module, name) {
                    Some(next) => next,
                    None => return foreign(),
                },
                Found::Foreign(path) => Found::Foreign(format!("{path}::{name}")),
                item @ Found::Item(..) => return item, // An associated type.
            };
        }
        found
    }
}

fn root(module: &str) -> &str {
    module.split("::").next().unwrap()
}

fn add(modules: &mut BTreeMap<String, Module>, path: String, folder: &Path, items: Vec<Item>) {
    let mut uses = HashMap::new();
    for item in &items {
        match item {
            Item::Use(it) => {
                let is_public = matches!(it.vis, Visibility::Public(_));
                for (name, target) in leaves(&it.tree, &[]) {
                    uses.insert(name, (target, is_public));
                }
            }
            Item::Mod(it) if !is_for_tests(&it.attrs) => {
                let (folder, items) = open(it, folder);
                add(modules, format!("{path}::{}", it.ident), &folder, items);
            }
            _ => {}
        }
    }
    modules.insert(path, Module { items, uses });
}

/// The items of a module, and the folder of its own modules.
fn open(module: &ItemMod, folder: &Path) -> (PathBuf, Vec<Item>) {
    let inner = folder.join(module.ident.to_string());
    if let Some((_, items)) = &module.content {
        return (inner, items.clone());
    }
    let file = inner.with_extension("rs");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    (inner, syn::parse_file(&text).unwrap().items)
}

/// Whatever is compiled for tests only.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = quote::quote!(#attribute).to_string();
        attribute.path().is_ident("cfg") && (text.contains("test") && !text.contains("feature"))
            || text.contains("doctest")
    })
}

/// The names that a `use` brings in, and the paths that they stand for.
pub(crate) fn leaves(tree: &UseTree, before: &[String]) -> Vec<(String, Vec<String>)> {
    let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => leaves(&path.tree, &with(&path.ident)),
        UseTree::Name(name) if name.ident == "self" => {
            vec![(before.last().unwrap().clone(), before.to_vec())]
        }
        UseTree::Name(name) => vec![(name.ident.to_string(), with(&name.ident))],
        UseTree::Rename(it) => vec![(it.rename.to_string(), with(&it.ident))],
        UseTree::Group(group) => {
            let trees = group.items.iter();
            trees.flat_map(|tree| leaves(tree, before)).collect()
        }
        _ => panic!("a glob hides what is public"),
    }
}

fn defines(item: &Item, name: &str) -> bool {
    match item {
        Item::Struct(it) => it.ident == name,
        Item::Enum(it) => it.ident == name,
        Item::Trait(it) => it.ident == name,
        Item::Type(it) => it.ident == name,
        Item::Const(it) => it.ident == name,
        Item::Fn(it) => it.sig.ident == name,
        _ => false,
    }
}

/// The call of a macro of the same file that makes a struct of this name.
fn made_by_macro<'a>(items: &'a [Item], name: &str) -> Option<&'a Item> {
    let macros = || {
        items.iter().filter_map(|item| match item {
            Item::Macro(it) => Some((item, it)),
            _ => None,
        })
    };
    let made = format!("pub struct {name} ");
    let (_, rules) = macros().find(|(_, it)| it.mac.tokens.to_string().contains(&made))?;
    let maker = rules.ident.as_ref()?;
    macros().find_map(|(item, it)| it.mac.path.is_ident(maker).then_some(item))
}
