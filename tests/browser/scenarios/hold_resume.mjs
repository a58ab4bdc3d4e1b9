// Each library holds and resumes a call that it made and one that it answered; sound stops and comes back both ways.

export async function play(stage) {
  const [alice, bob] = await stage.registered(2);
  for (const [caller, callee] of [[alice, bob], [bob, alice]]) {
    const [out, into] = await stage.call(caller, callee);
    for (const [holder, mine, held, theirs] of [[caller, out, callee, into], [callee, into, caller, out]]) {
      await stage.step("hold", { by: holder.name }, async () => {
        await holder.verb("hold", mine);
        const direction = await direct(held, theirs, /^(sendonly|inactive)$/);
        const silent = await Promise.all([stage.silence(held, theirs), stage.silence(holder, mine)]);
        return { direction, heard: { [held.name]: silent[0], [holder.name]: silent[1] } };
      });
      await stage.step("resume", { by: holder.name }, async () => {
        await holder.verb("resume", mine);
        const direction = await direct(held, theirs, /^sendrecv$/);
        return { direction, heard: await stage.conversation([holder, mine], [held, theirs]) };
      });
    }
    await stage.hangUp(caller, out, [callee, into]);
  }
}

/** Waits until the far end's description has a direction that matches: sound alone cannot tell, Chromium sends silence on. */
async function direct(phone, id, wanted) {
  return phone.until(`a description with ${wanted}`, ({ calls }) => {
    const { remoteDirection } = calls.find((c) => c.id === id);
    return wanted.test(remoteDirection) && remoteDirection;
  });
}
