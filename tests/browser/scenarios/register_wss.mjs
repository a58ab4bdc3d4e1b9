// Both libraries register over secure WebSocket and call each other there.

import { challengedThenAccepted } from "./register_ws.mjs";

export async function play(stage) {
  const { wss } = stage.settings;
  if (!wss) throw new Error("this scenario needs --wss and --ca");
  const phones = await stage.open(2, wss);
  await stage.step("register", { server: wss, phones: phones.map((p) => `${p.name}/${p.library}`) }, async () => {
    await Promise.all(phones.map((p) => p.verb("register")));
    await Promise.all(phones.map((p) => p.registered()));
    for (const phone of phones) {
      const { via } = challengedThenAccepted(phone);
      // RFC 7118 §5.2: the transport in Via tells secure from plain.
      if (!via.startsWith("SIP/2.0/WSS ")) throw new Error(`${phone.name} registered with ${via}`);
    }
  });
  const [alice, bob] = phones;
  const [out, into] = await stage.call(alice, bob);
  await stage.hangUp(alice, out, [bob, into]);
}
