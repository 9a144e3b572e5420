//! What of the sources is public, one line for each thing.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens;
use syn::visit::Visit;
use syn::{Attribute, Field, Fields, ImplItem, Item, ItemImpl, ItemMod, Type, Visibility};

use super::sources::{Found, Sources, is_for_tests, leaves};

pub(crate) struct Listing {
    lines: BTreeSet<String>,
    /// Types of other crates than `std`, and where they are seen.
    pub(crate) foreign: BTreeSet<(String, String)>,
    /// Where each item was listed first.
    listed: BTreeMap<String, String>,
    /// Own items that are seen, and where.
    seen: BTreeSet<(String, String)>,
}

impl Listing {
    /// Of everything that can be named from outside of a crate.
    pub(crate) fn of(sources: &Sources, root: &str) -> Self {
        let mut listing = Self {
            lines: BTreeSet::new(),
            foreign: BTreeSet::new(),
            listed: BTreeMap::new(),
            seen: BTreeSet::new(),
        };
        listing.add_module(sources, root, root);
        listing
    }

    pub(crate) fn text(&self) -> String {
        let lines = self.lines.iter().map(|line| format!("{line}\n"));
        lines.collect()
    }

    /// Own types that embedders see and cannot name, and where they see them.
    pub(crate) fn nameless(&self) -> Vec<&(String, String)> {
        let seen = self.seen.iter();
        seen.filter(|(item, _)| !self.listed.contains_key(item))
            .collect()
    }

    fn add_module(&mut self, sources: &Sources, path: &str, public: &str) {
        self.lines.insert(format!("{public}: mod"));
        let module = sources.module(path).unwrap();
        // What stands in a module itself is listed there, before the modules inside.
        let (modules, items): (Vec<_>, Vec<_>) = module
            .items
            .iter()
            .partition(|item| matches!(item, Item::Mod(_)));
        for item in items.into_iter().chain(modules) {
            match item {
                Item::Use(it) if is_public(&it.vis) && !is_for_tests(&it.attrs) => {
                    for (name, target) in leaves(&it.tree, &[]) {
                        let found = sources.follow(path, &target);
                        self.add(sources, found, &format!("{public}::{name}"), &name);
                    }
                }
                Item::Mod(ItemMod { vis, ident, .. }) if is_public(vis) => {
                    let (path, public) = (format!("{path}::{ident}"), format!("{public}::{ident}"));
                    self.add_module(sources, &path, &public);
                }
                _ => {
                    if let Some(name) = public_name(item) {
                        let found = Found::Item(path.to_owned(), item);
                        self.add(sources, found, &format!("{public}::{name}"), &name);
                    }
                }
            }
        }
    }

    fn add(&mut self, sources: &Sources, found: Found<'_>, public: &str, name: &str) {
        match found {
            Found::Module(path) => self.add_module(sources, &path, public),
            Found::Foreign(path) => {
                self.lines.insert(format!("{public}: {path}"));
                self.foreign.insert((path, public.to_owned()));
            }
            Found::Item(module, item) => {
                let is = format!("{module}::{name}");
                if let Some(first) = self.listed.get(&is) {
                    self.lines.insert(format!("{public}: = {first}"));
                    return;
                }
                self.listed.insert(is, public.to_owned());
                self.add_item(sources, &module, item, public);
                for (module, items) in sources.siblings(&module) {
                    for item in &items.items {
                        if let Item::Impl(it) = item {
                            self.add_impl(sources, module, it, (public, name));
                        }
                    }
                }
            }
        }
    }

    fn add_item(&mut self, sources: &Sources, module: &str, item: &Item, public: &str) {
        let mut item = item.clone();
        match &mut item {
            Item::Struct(it) => {
                keep_shape(&mut it.attrs);
                keep_public(&mut it.fields);
            }
            Item::Enum(it) => {
                keep_shape(&mut it.attrs);
                for variant in &mut it.variants {
                    variant.attrs.clear();
                    variant
                        .fields
                        .iter_mut()
                        .for_each(|field| field.attrs.clear());
                }
            }
            Item::Trait(it) => {
                keep_shape(&mut it.attrs);
                for item in &mut it.items {
                    match item {
                        syn::TraitItem::Fn(it) => {
                            it.attrs.clear();
                            it.default = it.default.as_ref().map(|_| syn::parse_quote!({}));
                        }
                        syn::TraitItem::Const(it) => it.attrs.clear(),
                        syn::TraitItem::Type(it) => it.attrs.clear(),
                        _ => {}
                    }
                }
            }
            Item::Fn(it) => {
                it.attrs.clear();
                *it.block = syn::parse_quote!({});
            }
            Item::Const(it) => {
                it.attrs.clear();
                *it.expr = syn::parse_quote!(_);
            }
            Item::Type(it) => it.attrs.clear(),
            Item::Macro(it) => it.mac.tokens = without_docs(it.mac.tokens.clone()),
            _ => {}
        }
        self.line(public, &item);
        if !matches!(item, Item::Macro(_)) {
            self.look_for_foreign(sources, module, public, |it| it.visit_item(&item));
        }
    }

    fn add_impl(
        &mut self,
        sources: &Sources,
        module: &str,
        block: &ItemImpl,
        (public, name): (&str, &str),
    ) {
        if !is_of(&block.self_ty, name) || is_for_tests(&block.attrs) {
            return;
        }
        if block.trait_.is_some() {
            let mut head = block.clone();
            head.attrs.clear();
            head.items.clear();
            if names_something_private(sources, module, &head) {
                return;
            }
            self.line(public, &head);
            return self.look_for_foreign(sources, module, public, |it| it.visit_item_impl(&head));
        }
        for item in &block.items {
            let mut item = item.clone();
            match &mut item {
                ImplItem::Fn(it) if is_public(&it.vis) => {
                    it.attrs.clear();
                    it.block = syn::parse_quote!({});
                }
                ImplItem::Const(it) if is_public(&it.vis) => {
                    it.attrs.clear();
                    it.expr = syn::parse_quote!(_);
                }
                _ => continue,
            }
            let bounds = block.generics.where_clause.to_token_stream();
            let head = block.generics.to_token_stream();
            self.line(public, &quote::quote!(#head #bounds #item));
            self.look_for_foreign(sources, module, public, |it| it.visit_impl_item(&item));
        }
    }

    fn line(&mut self, public: &str, tokens: &impl ToTokens) {
        let text = tidied(&tokens.to_token_stream().to_string());
        self.lines.insert(format!("{public}: {text}"));
    }

    fn look_for_foreign(
        &mut self,
        sources: &Sources,
        module: &str,
        public: &str,
        look: impl FnOnce(&mut Paths),
    ) {
        let mut paths = Paths::default();
        look(&mut paths);
        for path in paths.0 {
            let is_known = |name: &str| sources.find(module, name).is_some();
            if path.len() == 1 && !is_known(&path[0]) {
                continue; // Of the prelude, or a parameter.
            }
            let path = match sources.follow(module, &path) {
                Found::Foreign(path) => path,
                Found::Module(_) => continue,
                Found::Item(module, _) => {
                    let item = format!("{module}::{}", path[path.len() - 1]);
                    self.seen.insert((item, public.to_owned()));
                    continue;
                }
            };
            let root = path.split("::").next().unwrap_or_default();
            let is_own = ["std", "core", "Self"].contains(&root);
            // `T::Item` and the like.
            if !is_own && root.chars().all(|it| it.is_lowercase() || it == '_') {
                self.foreign.insert((path, public.to_owned()));
            }
        }
    }
}

/// Whether nobody outside can have what an impl is about.
fn names_something_private(sources: &Sources, module: &str, head: &ItemImpl) -> bool {
    let mut paths = Paths::default();
    paths.visit_item_impl(head);
    paths
        .0
        .iter()
        .any(|path| match sources.follow(module, path) {
            Found::Item(_, Item::Macro(_)) => false,
            Found::Item(_, item) => public_name(item).is_none(),
            _ => false,
        })
}

/// All paths of an item.
#[derive(Default)]
struct Paths(Vec<Vec<String>>);

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|it| it.ident.to_string());
        self.0.push(names.collect());
        syn::visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn public_name(item: &Item) -> Option<String> {
    let (visibility, name) = match item {
        Item::Struct(it) => (&it.vis, &it.ident),
        Item::Enum(it) => (&it.vis, &it.ident),
        Item::Trait(it) => (&it.vis, &it.ident),
        Item::Type(it) => (&it.vis, &it.ident),
        Item::Const(it) => (&it.vis, &it.ident),
        Item::Fn(it) => (&it.vis, &it.sig.ident),
        _ => return None,
    };
    is_public(visibility).then(|| name.to_string())
}

/// Whether an impl is of the type with this name.
fn is_of(own: &Type, name: &str) -> bool {
    match own {
        Type::Path(path) => path.path.segments.last().is_some_and(|it| it.ident == name),
        _ => false,
    }
}

/// What somebody outside depends on.
fn keep_shape(attributes: &mut Vec<Attribute>) {
    attributes.retain(|it| it.path().is_ident("derive") || it.path().is_ident("non_exhaustive"));
}

fn keep_public(fields: &mut Fields) {
    let keep = |field: &Field| is_public(&field.vis);
    let clear = |mut field: Field| {
        field.attrs.clear();
        field
    };
    match fields {
        Fields::Named(it) => {
            let has_private = !it.named.iter().all(keep);
            it.named = it
                .named
                .iter()
                .filter(|it| keep(it))
                .cloned()
                .map(clear)
                .collect();
            if has_private {
                it.named.push(syn::parse_quote!(private: _));
            }
        }
        Fields::Unnamed(it) => {
            for field in &mut it.unnamed {
                field.attrs.clear();
                if !keep(field) {
                    field.ty = syn::parse_quote!(_);
                }
            }
        }
        Fields::Unit => {}
    }
}

fn without_docs(tokens: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut kept = Vec::new();
    for token in tokens {
        let is_doc = matches!(&token, proc_macro2::TokenTree::Group(it) if it.to_string().starts_with("[doc"));
        match token {
            _ if is_doc => {
                kept.pop(); // The `#` before it.
            }
            proc_macro2::TokenTree::Group(group) => {
                let inner = without_docs(group.stream());
                kept.push(proc_macro2::Group::new(group.delimiter(), inner).into());
            }
            token => kept.push(token),
        }
    }
    kept.into_iter().collect()
}

/// As people write it, as far as spaces go.
fn tidied(text: &str) -> String {
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (from, to) in [
        (" :: ", "::"),
        ("::  ", "::"),
        (" < ", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" , ", ", "),
        (" ,", ","),
        ("& ", "&"),
        (" : ", ": "),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        ("# [", "#["),
        ("[ ", "["),
        (" ]", "]"),
        (" ;", ";"),
        ("{ }", "{}"),
        ("' ", "'"),
        (" !", "!"),
        ("::<", "::<"),
    ] {
        text = text.replace(from, to);
    }
    text
}
