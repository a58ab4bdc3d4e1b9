// Both libraries register over WebSocket with digest, and their bindings go when they unregister.

import { header } from "../driver/phone.mjs";

export async function play(stage) {
  const phones = await stage.registered(2);
  await stage.step("digest", {}, async () => {
    const facts = {};
    for (const phone of phones) facts[phone.name] = challengedThenAccepted(phone);
    return facts;
  });
  await stage.step("unregister", {}, async () => {
    for (const phone of phones) {
      await phone.verb("unregister");
      await phone.until("its unregistration", (s) => s.registration === "unregistered");
    }
  });
  const [alice, bob] = phones;
  await stage.step("a call to nobody", { from: alice.name, to: bob.name }, async () => {
    const id = await alice.verb("call", bob.aor);
    await alice.ended(id);
    const { calls } = await alice.state();
    // RFC 3261 §16.5: the domain knows this user (so not 404), and no binding is left.
    if (!/^480\b/.test(calls[0].ended)) throw new Error(`ended with ${calls[0].ended}`);
    return { answered: calls[0].ended };
  });
}

/** The registration was refused without credentials and accepted with them. */
export function challengedThenAccepted(phone) {
  const registers = phone.messages("sent", /^REGISTER /);
  const [first, second] = registers;
  if (registers.length !== 2) throw new Error(`${phone.name} sent ${registers.length} REGISTERs`);
  if (header(first, "Authorization")) throw new Error(`${phone.name} sent credentials before it was asked`);
  if (!/^Digest /.test(header(second, "Authorization"))) throw new Error(`${phone.name} sent no digest`);
  const statuses = phone.messages("received", /^SIP\/2\.0 [2-6]/).map((m) => Number(m.slice(8, 11)));
  if (statuses.join() !== "401,200") throw new Error(`${phone.name} was answered ${statuses.join(", ")}`);
  return { contact: header(second, "Contact"), via: header(second, "Via") };
}
