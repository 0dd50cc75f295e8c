package store

import "fmt"

// The file, for people with sqlite3: docs/history.md explains it. Times are UTC: hour
// counts hours since 1970, the other times milliseconds.
const (
	applicationID = 0x6e6d6869 // "nmhi"
	schemaVersion = 3
	withoutDays   = 2 // the version that had no days: Prune packs them
)

// pageSize is that of a new file: eight hours of minutes fit a page, or six days of hours.
// In one of 4 kB, as version 2 had, there would be three, and the rest empty.
const pageSize = "page_size(8192)"

// makeTables makes them all.
var makeTables = fmt.Sprintf("BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", schema, applicationID, schemaVersion)

// schemaDays is what version 3 has and version 2 has not. An id is that of a day's first hour.
const schemaDays = `CREATE TABLE days (id INTEGER PRIMARY KEY, data BLOB NOT NULL);`

const schema = schemaDays + `
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE series (id INTEGER PRIMARY KEY, monitor TEXT NOT NULL, agent TEXT NOT NULL, kind TEXT NOT NULL,
	epoch TEXT NOT NULL DEFAULT '', run INTEGER NOT NULL DEFAULT 0, latency INTEGER NOT NULL DEFAULT 0, UNIQUE (monitor, agent));
CREATE TABLE phases (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
-- id is (series << 24) | hour: rows of a series lie together, and a large blob takes no pages of its own.
-- rollup is empty where it is in the row of its day.
CREATE TABLE hours (id INTEGER PRIMARY KEY, runs INTEGER NOT NULL, failed INTEGER NOT NULL, broken INTEGER NOT NULL,
	p50 INTEGER, p99 INTEGER, min INTEGER, max INTEGER, loss INTEGER,
	revision INTEGER NOT NULL, span INTEGER NOT NULL, ahead INTEGER NOT NULL, rollup BLOB NOT NULL);
CREATE INDEX unpublished ON hours (id & 16777215) WHERE ahead < 0;
CREATE TABLE minutes (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE journal (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE imported (series INTEGER NOT NULL, hour INTEGER NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (series, hour)) WITHOUT ROWID;
CREATE TABLE seen (agent TEXT NOT NULL, epoch TEXT NOT NULL, numbers TEXT NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (agent, epoch)) WITHOUT ROWID;
CREATE TABLE spans (monitor TEXT NOT NULL, since INTEGER NOT NULL, state TEXT NOT NULL, muted INTEGER NOT NULL, blame TEXT NOT NULL,
	PRIMARY KEY (monitor, since)) WITHOUT ROWID;
CREATE TABLE latest (monitor TEXT PRIMARY KEY, since INTEGER NOT NULL, state TEXT NOT NULL, muted INTEGER NOT NULL, blame TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE gaps (since INTEGER PRIMARY KEY, until INTEGER NOT NULL, results INTEGER NOT NULL);
CREATE TABLE judged (since INTEGER PRIMARY KEY, until INTEGER NOT NULL);
CREATE VIEW hourly AS SELECT s.monitor, s.agent, s.kind, datetime((h.id & 16777215) * 3600, 'unixepoch') AS hour,
	h.runs, h.runs - h.failed - h.broken AS ok, h.failed, h.broken, h.p50 / 1e3 AS p50_ms, h.p99 / 1e3 AS p99_ms, h.min / 1e3 AS min_ms, h.max / 1e3 AS max_ms,
	h.loss / 1e4 AS loss_percent, h.revision
	FROM series s JOIN hours h ON h.id >= s.id << 24 AND h.id < (s.id + 1) << 24;
CREATE VIEW verdicts AS SELECT monitor, datetime(since / 1000, 'unixepoch') AS since, state, muted, blame FROM spans;
`
