// Many calls in a row become one: what arrived together is drawn together. A message to oneself waits
// behind frames that have arrived already, and goes on where timers and drawing sleep.
export function batched(act) {
  const channel = new MessageChannel();
  let isDue = false;
  channel.port1.onmessage = () => {
    isDue = false;
    act();
  };
  return () => {
    if (isDue) return;
    isDue = true;
    channel.port2.postMessage(0);
  };
}
