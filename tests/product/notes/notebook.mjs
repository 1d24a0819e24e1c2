// The actor that keeps notes. Nothing here knows which engine runs it, or where.
import { actor, event, setup, UserError } from "rivetkit";
import { db } from "rivetkit/db";

const LONGEST_NOTE = 1000;

const notebook = actor({
  // Numbers outlive the notes, so that no two notes ever share one.
  state: { lastNumber: 0 },
  events: { added: event(), removed: event() },
  db: db({
    onMigrate: async (database) => {
      await database.execute(
        "CREATE TABLE IF NOT EXISTS notes (number INTEGER PRIMARY KEY, text TEXT NOT NULL, written_at INTEGER NOT NULL)",
      );
    },
  }),
  actions: {
    add: async (c, text) => {
      if (typeof text !== "string" || text.trim() === "" || text.length > LONGEST_NOTE) {
        throw new UserError(`a note has between 1 and ${LONGEST_NOTE} characters`, { code: "bad_note" });
      }
      const note = { number: ++c.state.lastNumber, text: text.trim(), writtenAt: Date.now() };
      await c.db.execute(
        "INSERT INTO notes (number, text, written_at) VALUES (?, ?, ?)",
        note.number,
        note.text,
        note.writtenAt,
      );
      // The number is kept before the note is confirmed.
      await c.saveState({ immediate: true });
      c.broadcast("added", note);
      return note;
    },
    list: (c) => everything(c.db),
    remove: async (c, number) => {
      const removed = await c.db.execute("DELETE FROM notes WHERE number = ? RETURNING number", number);
      if (removed.length > 0) c.broadcast("removed", number);
      return removed.length > 0;
    },
    ping: () => "pong",
  },
  // The notes as plain text, for programs that are not rivetkit clients.
  onRequest: async (c) => {
    const lines = (await everything(c.db)).map(({ number, text }) => `${number}\t${text}\n`);
    return new Response(lines.join(""), { headers: { "content-type": "text/plain; charset=utf-8" } });
  },
});

const everything = (database) =>
  database.execute("SELECT number, text, written_at AS writtenAt FROM notes ORDER BY number");

export const registry = setup({ use: { notebook } });
