//! What the page may not do, read from its sources: D30, D35. That a browser shows markup as text is
//! tested with Chromium, in `web/tests`.

use crate::double::Fault;
use crate::target::{Setup, Target, prove};
use crate::wire::{Answer, Outcome, Request, Way, require};

/// More scripts than a page of this size has.
const SCRIPTS_MAX: usize = 100;

/// The page, and all scripts that it loads, directly or by another one.
fn page_and_scripts(way: &Way) -> Outcome<(Answer, Vec<(String, Answer)>)> {
    let page = way.ask(&Request::get("/"))?.expect(200, "the page")?;
    let mut scripts: Vec<(String, Answer)> = Vec::new();
    let mut waiting = Vec::new();
    for tag in page.body.split("<script").skip(1) {
        let (attributes, rest) = tag.split_once('>').ok_or("a broken tag")?;
        let content = rest.split("</script>").next().unwrap_or_default();
        require(content.trim().is_empty(), || {
            format!("a script within the page: {content}")
        })?;
        let source = between(attributes, "src=\"", "\"").ok_or("a script without source")?;
        waiting.push(resolve("/", source)?);
    }
    require(!waiting.is_empty(), || "a page without scripts".to_owned())?;
    while let Some(path) = waiting.pop() {
        if scripts.iter().any(|(known, _)| *known == path) {
            continue;
        }
        let script = way.ask(&Request::get(&path))?.expect(200, &path)?;
        for import in imports(&script.body) {
            waiting.push(resolve(&path, import)?);
        }
        scripts.push((path, script));
        require(scripts.len() <= SCRIPTS_MAX, || {
            "too many scripts".to_owned()
        })?;
    }
    Ok((page, scripts))
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split(end).next()
}

/// The quoted names after `from` and `import`.
fn imports(script: &str) -> Vec<&str> {
    let quoted = |rest: &'static str| {
        let parts = script.split(rest).skip(1);
        parts.filter_map(|part| {
            let end = part.find(['"', '\''])?;
            let name = &part[..end];
            name.ends_with(".js").then_some(name)
        })
    };
    let starts = [
        "from \"",
        "from '",
        "import \"",
        "import '",
        "import(\"",
        "import('",
    ];
    starts.into_iter().flat_map(quoted).collect()
}

/// A path on the same server.
fn resolve(base: &str, name: &str) -> Outcome<String> {
    require(!name.contains("//"), || {
        format!("{name} is of another server")
    })?;
    if let Some(absolute) = name.strip_prefix('/') {
        return Ok(format!("/{absolute}"));
    }
    let mut folders: Vec<&str> = base.split('/').collect();
    folders.pop();
    for part in name.split('/') {
        match part {
            "." => {}
            ".." => drop(folders.pop()),
            part => folders.push(part),
        }
    }
    Ok(folders.join("/"))
}

/// D30.
#[test]
fn d30_the_page_never_takes_text_for_markup() {
    const MARKUP: [&str; 6] = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "createContextualFragment",
        "setHTMLUnsafe",
    ];
    fn check(target: &mut Target) -> Outcome<()> {
        let (_, scripts) = page_and_scripts(&target.way())?;
        for (path, script) in scripts {
            for word in MARKUP {
                require(!script.body.contains(word), || {
                    format!("{path} uses {word}")
                })?;
            }
        }
        Ok(())
    }
    prove(&Setup::default(), check, &[Fault::InnerHtml]);
}

/// D35.
#[test]
fn d35_the_page_keeps_to_its_own_server_and_says_so() {
    fn check(target: &mut Target) -> Outcome<()> {
        let (page, scripts) = page_and_scripts(&target.way())?;
        let policy = page.header("content-security-policy").unwrap_or_default();
        require(policy.contains("default-src 'none'"), || {
            format!("no policy: {page:?}")
        })?;
        for loose in ["unsafe-", "http:", "https:", "*"] {
            require(!policy.contains(loose), || format!("{loose} in {policy}"))?;
        }
        for (path, answer) in [("/".to_owned(), page)].into_iter().chain(scripts) {
            let sniffing = answer.header("x-content-type-options");
            require(sniffing == Some("nosniff"), || {
                format!("{path} may be sniffed")
            })?;
            for scheme in ["ws://", "wss://"] {
                let fixed = answer
                    .body
                    .split(scheme)
                    .skip(1)
                    .any(|rest| rest.starts_with(|next: char| next.is_ascii_alphanumeric()));
                require(!fixed, || format!("{path} has a fixed {scheme} address"))?;
            }
            for foreign in ["src=\"http", "src=\"//", "href=\"http", "href=\"//"] {
                require(!answer.body.contains(foreign), || {
                    format!("{path} loads from elsewhere")
                })?;
            }
        }
        Ok(())
    }
    let faults = [
        Fault::ForeignScript,
        Fault::NoContentPolicy,
        Fault::NoNosniff,
        Fault::FixedSocketAddress,
    ];
    prove(&Setup::default(), check, &faults);
}
