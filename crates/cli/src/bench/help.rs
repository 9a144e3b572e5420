//! What `parlour help bench …` says behind the options.

pub(crate) const HELP: &str = "\
Each command starts a server of its own on 127.0.0.1, with a data directory that is removed after
it and rooms in memory, and measures it from outside: over real sockets, and by what the kernel
says about its process. --url and --pid measure one that runs already. Server and generator get a
core each, where there are two.

Every delivery is checked: one that is missing, doubled or out of order is an error. Latency in an
open loop (--rate) counts from the instant at which a message was due, whatever the server does.
On a machine that others use too, believe ratios within a run and no absolute figures.

--json FILE writes the figures (- is standard output), --plot FILE.svg draws them.

Examples:
  parlour bench fanout --members 10000 --outstanding 32
  parlour bench echo --raw --plot echo.svg
  parlour bench idle --json - | jq .steps
  parlour bench storm --url ws://127.0.0.1:8080/ws --pid \"$(pidof parlour)\"";

pub(super) const FANOUT: &str = "\
K, the frames per read, tells how many messages went out with one send. With one message in flight
K is 1 and a delivery costs a send; with 32 it shows what coalescing saves. Name K with every
figure.

Examples:
  parlour bench fanout --members 10000
      One room; the next message is published when everybody has the last one.
  parlour bench fanout --members 1000 --rooms 100 --outstanding 32
  parlour bench fanout --members 10000 --rate 100 --plot latency.svg
      An open loop: 1,000,000 deliveries per second are asked for.
  parlour bench fanout --saturation 1,90
      The most messages per second; then latency and K at 1 % and at 90 % of it.
  parlour bench fanout --members 10000 --quiet-room 10
      Does a small room notice that a large one is flooded?
  parlour bench fanout --cross --outstanding 32
      One shard against two, and what a hop between them costs.";

pub(super) const ECHO: &str = "\
Without --rate each connection has one message on its way. The bare loop of --raw is one thread
that reads a socket, unmasks what came and sends it back with one send(): no server can do less.

Examples:
  parlour bench echo --raw
      100 connections; the server's CPU time per echo over the bare loop's, with its quartiles.
  parlour bench echo --connections 1000 --rate 20000 --plot echo.svg
      An open loop, timed from when each message was due.
  parlour bench echo --url ws://127.0.0.1:8080/echo --pid \"$(pidof parlour)\"";

pub(super) const IDLE: &str = "\
Private memory that the server has written (smaps_rollup), at rest, minus that with nobody there
after a warm-up. Connections speak parlour.v1; each is a guest with a name of its own, in one room,
with heartbeats on; the server counts them at the end. Status 1 if with 10,000 or more of them one
takes above 1,024 bytes, with 100,000 joins a further room above 64, or with 10,000 empty rooms one
above 1,024 beside its log. The kernel needs some 4 KB for each socket beside that.

Examples:
  parlour bench idle
      At 10,000 and at 19,000; as many open files are needed here and there (ulimit -Hn).
  parlour bench idle --connections 1000 --burst --rooms 100 --empty-rooms 20000
      What 64 KiB messages leave behind, and what a room costs.
  parlour bench idle --plot memory.svg --json memory.json";

pub(super) const CONNECT: &str = "\
A newcomer is in when the server has said that it is in its room. In one phase the tickets are
there before; in the other each newcomer asks for its own first, on a connection for this alone.

Examples:
  parlour bench connect
  parlour bench connect --in-flight 32 --rounds 9 --json connect.json
  parlour bench connect --url ws://127.0.0.1:8080/ws --pid \"$(pidof parlour)\"";

pub(super) const STORM: &str = "\
The connections are reset, all in one moment; the server stays. While everybody is away something is
said in each room. Then all come back with their positions, each with a ticket of its own, and are
complete when they have everything that they missed, in order and once. The time of each counts from
the moment in which all set out, so waiting for a turn is not hidden. `parlour torture storm` kills
the server instead, and looks for what is lost.

Examples:
  parlour bench storm
      10,000 clients in 100 rooms; 20 messages missed in each.
  parlour bench storm --clients 2000 --rooms 10 --missed 500 --plot storm.svg";

pub(super) const DURABLE: &str = "\
Examples:
  parlour bench durable --dir /var/lib --plot durability.svg --json durability.json
  parlour bench durable --rounds 1 --rooms 10 --outstanding 1,64 --rates none
  parlour bench durable --rates 500,1000,2000,4000 --outstanding none --plot rates.svg

Where the table has + behind a latency, more was asked for than was taken: then it only says that
publishes waited longer than that.";
