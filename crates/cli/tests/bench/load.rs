//! Each measurement once with small numbers: it runs, checks what it should, and says it.

use std::process::Output;

use serde_json::Value;

use crate::support::parlour;

fn bench(line: &str) -> Output {
    let mut command = parlour();
    command.arg("bench").args(line.split(' '));
    command.output().unwrap()
}

/// The figures, alone on standard output; a limit may be exceeded, as this machine does other things.
fn figures(line: &str) -> Value {
    let output = bench(&format!("{line} --json -"));
    let error = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8(output.stdout).unwrap();
    let figures: Value = serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{line} says no figures: {text}{error}"));
    assert_eq!(text.lines().count(), 1, "{text}");
    let passed = figures["passed"].as_bool();
    let passed = passed.or(figures["raw"]["passed"].as_bool());
    assert_eq!(
        output.status.success(),
        passed.unwrap_or(true),
        "{text}{error}"
    );
    figures
}

fn above_zero(figures: &Value, names: &[&str]) {
    for name in names {
        let value = figures.pointer(name).and_then(Value::as_f64);
        assert!(
            value.is_some_and(|value| value > 0.0),
            "{name}: {figures:#}"
        );
    }
}

#[test]
fn echoes_are_timed_beside_a_bare_loop() {
    let line = "echo --raw --connections 4 --rounds 2 --phase 0.05 --warmup 0.01";
    let figures = figures(line);
    let names = [
        "/echoes_per_second",
        "/latency_ms/p90",
        "/server/cpu_us_per_echo",
        "/raw/cpu_us_per_echo",
        "/raw/ratio/median",
    ];
    above_zero(&figures, &names);
    assert_eq!(figures["raw"]["limit"], 1.1);
    assert!(figures["url"].as_str().unwrap().ends_with("/echo"));
}

#[test]
fn an_open_loop_of_echoes_sends_what_is_due() {
    let figures = figures("echo --connections 3 --rounds 2 --phase 0.1 --rate 200");
    assert_eq!(figures["echoes"], 2 * 20, "{figures:#}");
    assert!(figures["raw"].is_null());
}

#[test]
fn idle_connections_are_counted_by_the_server() {
    // Its old name is good, too.
    let line = "memory --connections 20,40 --burst 2 --rooms 3 --empty-rooms 30";
    let figures = figures(line);
    assert_eq!(figures["counted_by_server"], 40);
    assert_eq!(figures["steps"][1]["connections"], 40);
    assert_eq!(figures["burst"]["messages"], 2);
    assert_eq!(figures["rooms"]["connections"], 20);
    assert_eq!(figures["empty_rooms"]["rooms"], 30);
    assert!(figures["empty_rooms"]["log_bytes"].as_f64().unwrap() > 0.0);
    assert!(figures["passed"].is_null(), "40 say nothing about a limit");
    above_zero(&figures, &["/private_at_zero", "/private_after_all_left"]);
}

#[test]
fn the_events_door_has_idle_connections_too() {
    let figures = figures("idle --dialect events --connections 10 --burst 1");
    assert_eq!(figures["counted_by_server"], 10);
    assert_eq!(figures["burst"]["messages"], 1);
}

#[test]
fn newcomers_are_let_in_with_a_ticket_and_asking_for_one() {
    let figures = figures("connect --connections 12 --in-flight 5 --rounds 2");
    for way in ["with_ticket", "without_ticket"] {
        let names = ["per_second/median", "cpu_us/median", "joined_ms/p99"];
        above_zero(
            &figures,
            &names
                .map(|name| format!("/{way}/{name}"))
                .each_ref()
                .map(|it| &**it),
        );
    }
}

#[test]
fn everybody_comes_back_with_what_was_missed() {
    let figures = figures("storm --clients 12 --rooms 3 --missed 5 --in-flight 4");
    assert_eq!(figures["entries_delivered"], 12 * 5);
    let line = figures["time_line"].as_array().unwrap();
    assert_eq!(line[0]["complete"], 0);
    assert_eq!(line[line.len() - 1]["complete"], 12);
    let names = ["/back_seconds", "/cpu_us_per_client", "/private_peak"];
    above_zero(&figures, &names);
}

#[test]
fn the_table_is_for_people_and_files_are_for_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (json, plot) = (file("figures.json"), file("plot.svg"));
    let line = format!("fanout --members 5 --duration 0.1 --warmup 0 --json {json} --plot {plot}");
    let output = bench(&line);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && table.contains("latency p90"),
        "{table}"
    );
    let figures: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    above_zero(&figures, &["/deliveries", "/latency_ms/p99"]);
    let plot = std::fs::read_to_string(plot).unwrap();
    assert!(
        plot.contains("K 1.00") && plot.ends_with("</svg>\n"),
        "{plot}"
    );
}

#[test]
fn the_most_is_found_and_shares_of_it_are_asked_for() {
    let line = "fanout --members 20 --duration 0.1 --warmup 0 --saturation 10,50";
    let figures = figures(line);
    let most = figures["messages_per_second"].as_f64().unwrap();
    let steps = figures["steps"].as_array().unwrap();
    for (step, percent) in steps.iter().zip([10, 50]) {
        assert_eq!(step["percent"], percent);
        let rate = step["rate"].as_f64().unwrap();
        assert!((rate / most - f64::from(percent) / 100.0).abs() < 1e-9);
        above_zero(
            step,
            &["/figures/frames_per_read", "/figures/latency_ms/p99"],
        );
    }
    assert_eq!(steps.len(), 2);
}

#[test]
fn a_quiet_room_is_timed_alone_and_beside_a_flood() {
    let line = "fanout --members 50 --duration 0.2 --warmup 0.05 --rounds 2 --quiet-room 3";
    let figures = figures(line);
    let names = [
        "/alone_ms/p99",
        "/flooded_ms/p99",
        "/ratio/median",
        "/flood_deliveries_per_second",
    ];
    above_zero(&figures, &names);
    assert_eq!(figures["limit"], 2.0);
}

#[test]
fn members_lie_on_the_shards_that_a_comparison_needs() {
    let line = "fanout --cross --members 20 --duration 0.1 --warmup 0.02 --rounds 2";
    let cores = std::thread::available_parallelism().unwrap().get();
    if cores < 2 {
        let error = bench(line).stderr;
        assert!(String::from_utf8_lossy(&error).contains("two cores"));
        return;
    }
    let figures = figures(line);
    assert_eq!(figures["ways"].as_array().unwrap().len(), 4);
    above_zero(&figures, &["/hop_cpu/median", "/two_over_one/median"]);
    assert_eq!(figures["generator_apart"], cores > 2);
}

#[test]
fn what_cannot_be_measured_is_refused_before_anything_starts() {
    for (line, named) in [
        ("echo --payload 3", "--payload 3"),
        ("idle --connections 9,3", "--connections"),
        ("connect --connections 0", "--connections"),
        ("storm --clients 3 --rooms 4", "4 rooms"),
        ("fanout --quiet-room 0", "--quiet-room 0"),
        ("fanout --cross --url ws://127.0.0.1:1/ws", "--url"),
        ("fanout --cross --quiet-room 3", "--cross"),
        ("fanout --plot no/such/folder/plot.svg", "no/such/folder"),
        ("idle --url ws://127.0.0.1:1/ws", "--pid"),
    ] {
        let output = bench(line);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && error.contains(named),
            "{line}: {error}"
        );
    }
}
