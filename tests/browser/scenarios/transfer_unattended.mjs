// Unattended transfer (RFC 5359 §2.4): the transferor refers the far end to a third telephone and hangs up.

export async function play(stage) {
  const [alice, bob, carol, bill] = await stage.registered(4);
  // Transferor, transferee, target: JsSIP, SIP.js, JsSIP; then SIP.js, JsSIP, SIP.js; then each library with its own kind.
  for (const roles of [[alice, bob, carol], [bob, alice, bill], [carol, alice, bob], [bill, bob, alice]]) {
    await transfer(stage, ...roles);
  }
}

async function transfer(stage, transferor, transferee, target) {
  const [out, into] = await stage.call(transferor, transferee);
  const names = { transferor: transferor.name, transferee: transferee.name, target: target.name };
  const known = (await transferee.state()).calls.map((c) => c.id);
  let ends;
  await stage.step("transfer", names, async () => {
    await transferor.verb("transferTo", out, target.aor);
    const [{ reports, answered }, rings, moved] = await Promise.all([
      told(transferor, out),
      pickUp(target),
      transferee.newCall(known),
    ]);
    await transferor.verb("hangup", out);
    await transferor.ended(out);
    await transferee.ended(into);
    await transferor.nothingLeft();
    ends = [[transferee, moved], [target, rings]];
    return { answered, reports, heard: await stage.conversation(...ends) };
  });
  await stage.hangUp(...ends[0], ends[1]);
}

async function pickUp(phone) {
  const id = await phone.ringing();
  await phone.verb("answer", id);
  await phone.established(id);
  return id;
}

/** Waits for the NOTIFY that says the new call was answered, and returns the transfer as the transferor knows it. */
export async function told(transferor, id) {
  return transferor.until("a NOTIFY of 200", ({ calls }) => {
    const { transfer } = calls.find((c) => c.id === id);
    const failed = transfer.reports.find((status) => status >= 300) ?? (transfer.answered >= 300 && transfer.answered);
    if (failed) throw new Error(`the transfer failed with ${failed}`);
    return transfer.reports.includes(200) && transfer;
  });
}
