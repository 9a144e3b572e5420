//! What is logged, as it is typed.

use tracing_subscriber::EnvFilter;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// What the targets of the server's own lines begin with.
const OWN: &str = "parlour";

/// The filter, if every part of it can be meant. A bare word that is no level would be taken for a
/// target, which turns everything else off.
pub(super) fn parse(typed: &str) -> Result<String, String> {
    for part in typed.split(',') {
        let is_target = part.contains(['=', '[']) || is_own(part);
        if !is_target && !LEVELS.contains(&part.to_ascii_lowercase().as_str()) {
            return Err(format!(
                "`{part}` is no level: use {}, or TARGET=LEVEL for a part, as in {OWN}=debug,info",
                LEVELS.join(", ")
            ));
        }
    }
    EnvFilter::try_new(typed).map_err(|error| {
        format!("`{typed}` is no log filter ({error}): use for example info or {OWN}=debug,info")
    })?;
    Ok(typed.to_owned())
}

fn is_own(part: &str) -> bool {
    let rest = part.strip_prefix(OWN);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || rest.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_also_by_part_are_taken() {
        for typed in [
            "info",
            "OFF",
            "parlour=debug,info",
            "warn,hyper=trace",
            "parlour",
            "parlour_hub::shard,error",
            "info,[request{room=den}]=trace",
        ] {
            assert_eq!(parse(typed), Ok(typed.to_owned()));
        }
    }

    #[test]
    fn what_would_turn_the_log_off_unseen_is_refused() {
        for typed in [
            "inof",
            "",
            "info,",
            "info,debgu",
            "parlours",
            "parlour=inof",
            "info, warn",
            "all",
        ] {
            let refused = parse(typed).unwrap_err();
            assert!(refused.contains("use "), "{typed}: {refused}");
            assert!(refused.contains("parlour=debug,info"), "{typed}: {refused}");
        }
    }
}
