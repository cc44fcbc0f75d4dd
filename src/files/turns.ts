/**
 * Lets what has arrived be heard. A message is read in one turn of the event loop, parsed in another and handled in a
 * third; work that computes without a pause would not hear that it was cancelled.
 */
export async function afterTurns(turns = 5): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}
