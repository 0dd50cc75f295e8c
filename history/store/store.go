package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	sqlite "modernc.org/sqlite"

	"netmon/history"
)

// Options of a store.
type Options struct {
	Log *slog.Logger // default: none
	// Figures says which figures of a kind's details are phases of a run's time. Called
	// once for each kind. Default: none.
	Figures func(kind string) []history.Figure
	// Saved says whether a monitor is saved now. Called by Add, for a series that is new: an
	// agent can name any monitor, and of those that are not saved it gets UnsavedMost.
	// Default: all are.
	Saved func(monitor string) bool
}

// UnsavedMost is of how many monitors that are not saved one agent has history.
const UnsavedMost = 1000

// ErrDamaged says that the file cannot be read any more: close the store, call
// [SetAside], and open a new one.
var ErrDamaged = errors.New("the history file is damaged")

// Store is history in a file. Stream, Add, Unreadable, AddVerdict, EndUnsaved, Mute, Ended, Judged, Commit, Import,
// Closed, Published and Prune are for one goroutine; Query, Stats, Backup, Check and
// Position are for all.
type Store struct {
	path    string
	options Options
	log     *slog.Logger
	write   *sql.DB // one connection
	read    *sql.DB
	sides   chan struct{} // of those who read parts of a query beside it

	// published is held for reading while a query looks at what is committed and at
	// what is not, and for writing while the one becomes the other.
	published sync.RWMutex

	mu        sync.RWMutex // guards what follows
	at        position
	series    map[seriesKey]*series
	dirty     map[*series]struct{}
	adders    map[string]*history.Adder
	names     *history.Names
	packer    history.Packer // of who commits
	named     int            // names that are in the file
	journaled int            // entries of the journal
	committed uint64         // the position that is in the file
	seen      map[string]*agent
	skips     map[hourKey]uint64 // imported hours: results up to these are counted
	verdict   verdicts
	gaps      []gap // since the last commit
	lastGap   gap   // the newest; its results say nothing
	stats     Stats
	pruned    int64           // the last series that Prune has looked at; 0 is none
	packed    map[int64]int64 // series of which all up to an hour is packed by days, as far as Prune knows
}

// Position is how far the store is fed.
type Position struct {
	Results  uint64    // sequence in RESULTS of the last result that was added
	Verdicts uint64    // sequence in VERDICTS of the last verdict that was added
	Stored   time.Time // when the broker stored that result
}

// position is what the file remembers of it.
type position struct {
	Position
	from   uint64 // everything over this and up to Results was added by this file itself
	stream string // the life of RESULTS

	filled uint64 // results over Results that hours count which were imported
	hoped  uint64 // of the newest gap: those that they are taken to count
}

type seriesKey struct{ monitor, agent string }

// hourKey is an hour of a series, since 1970.
type hourKey struct {
	series int64
	hour   int64
}

// smallFile is the size up to which a file is checked whole before it is used, bytes:
// that takes a fifth of a second. [Store.Check] does it for larger ones.
const smallFile = 32 << 20

// Open opens the file at path, or makes it. A file that is damaged, or is none of ours, is
// renamed to path.<date>.damaged, and a new one begun: Stats say so.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	s, err := open(ctx, path, o)
	if !errors.Is(err, ErrDamaged) {
		return s, err
	}
	aside, asideErr := SetAside(path)
	if asideErr != nil {
		return nil, errors.Join(err, asideErr)
	}
	s, again := open(ctx, path, o)
	if again != nil {
		return nil, again
	}
	s.stats.AsideTo = aside
	s.log.Warn("the history file could not be read: it was set aside, and a new one begun", "file", path, "aside", aside, "error", err)
	return s, nil
}

// SetAside renames a file that is of no use, and what belongs to it, and says to what.
func SetAside(path string) (string, error) {
	base := path + "." + time.Now().UTC().Format("20060102T150405.000Z")
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+end, base+".damaged"+end); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("set the damaged history file aside: %w", err)
		}
	}
	return base + ".damaged", nil
}

func open(ctx context.Context, path string, o Options) (_ *Store, err error) {
	s := &Store{path: path, options: o, log: o.Log, series: map[seriesKey]*series{}, dirty: map[*series]struct{}{}, adders: map[string]*history.Adder{},
		seen: map[string]*agent{}, skips: map[hourKey]uint64{}, packed: map[int64]int64{}, sides: make(chan struct{}, sidesMost)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	info, err := os.Stat(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("open the history file: %w", err)
	}
	if err != nil { // made before SQLite does, for its owner alone
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("make the history file: %w", err)
		}
		if err := f.Close(); err != nil {
			return nil, fmt.Errorf("make the history file: %w", err)
		}
	}
	if info == nil || info.Size() == 0 {
		if err := s.begin(ctx); err != nil {
			return nil, s.judgeError("make the history file", err)
		}
	}
	if info != nil && info.Size() > 0 && !looksRight(path) {
		return nil, fmt.Errorf("%w: %s is no SQLite file", ErrDamaged, path)
	}
	if s.write, err = sql.Open("sqlite", dsn(path, "journal_mode(wal)", "synchronous(normal)", "journal_size_limit(67108864)")); err != nil {
		return nil, fmt.Errorf("open the history file: %w", err)
	}
	s.write.SetMaxOpenConns(1)
	s.write.SetConnMaxIdleTime(0)
	defer func() {
		if err != nil {
			err = errors.Join(s.judgeError("open the history file", err), s.Close())
		}
	}()
	if err := s.prepare(ctx, info); err != nil {
		return nil, err
	}
	if s.read, err = sql.Open("sqlite", dsn(path, "query_only(true)")); err != nil {
		return nil, err
	}
	s.read.SetMaxOpenConns(queriesMost + sidesMost)
	s.read.SetMaxIdleConns(1 + sidesMost)
	s.read.SetConnMaxIdleTime(time.Minute)
	return s, s.load(ctx)
}

// looksRight says that a file begins as SQLite's do. SQLite itself would write over one
// that is shorter than its header.
func looksRight(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true // SQLite says why
	}
	defer f.Close()
	head := make([]byte, 16)
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == "SQLite format 3\x00"
}

func dsn(path string, pragmas ...string) string {
	path = filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" {
		path = "/" + path
	}
	out := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(5000)"
	for _, p := range pragmas {
		out += "&_pragma=" + p
	}
	return out
}

// begin makes the tables of a new file. The size of pages is settled with the first of
// them, and the driver would set the journal before.
func (s *Store) begin(ctx context.Context) error {
	db, err := sql.Open("sqlite", dsn(s.path, pageSize))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, makeTables)
	return errors.Join(err, db.Close())
}

// prepare makes the tables where there are none, or sees that they are ours.
func (s *Store) prepare(ctx context.Context, info os.FileInfo) error {
	var tables, id, version int
	if err := s.write.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM sqlite_schema), (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version)`).Scan(&tables, &id, &version); err != nil {
		return err
	}
	switch {
	case tables == 0:
		_, err := s.write.ExecContext(ctx, makeTables)
		return err
	case id != applicationID:
		return fmt.Errorf("%w: %s is another program's", ErrDamaged, s.path)
	case version == withoutDays:
		if _, err := s.write.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE; %s PRAGMA user_version = %d; COMMIT", schemaDays, schemaVersion)); err != nil {
			return err
		}
	case version < schemaVersion:
		return fmt.Errorf("%w: %s has version %d, which no release had, and this netmon reads version %d", ErrDamaged, s.path, version, schemaVersion)
	case version > schemaVersion:
		return fmt.Errorf("%s was made by a newer netmon: it has version %d, and this one knows up to %d", s.path, version, schemaVersion)
	}
	if info != nil && info.Size() <= smallFile {
		return check(ctx, s.write)
	}
	return nil
}

// Check reads the whole file, and returns [ErrDamaged] where something is wrong with it.
// It takes 5 s a gigabyte or so, and disturbs nobody.
func (s *Store) Check(ctx context.Context) error {
	return s.judgeError("check the history file", check(ctx, s.read))
}

func check(ctx context.Context, db *sql.DB) error {
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, found)
	}
	return nil
}

// judgeError says what failed, and tells damage from the rest.
func (s *Store) judgeError(what string, err error) error {
	const corrupt, notADatabase = 11, 26
	var of *sqlite.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrDamaged), errors.Is(err, history.ErrPacked):
		return fmt.Errorf("%s: %w", what, errors.Join(ErrDamaged, err))
	case errors.As(err, &of) && (of.Code()&0xff == corrupt || of.Code()&0xff == notADatabase):
		return fmt.Errorf("%s: %w: %w", what, ErrDamaged, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Close closes the file. What was not committed is not there the next time.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Position says how far the store is fed, with what is not committed yet.
func (s *Store) Position() Position {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.at.Position
}

// Backup writes a copy of the file to path, which must not be there yet: all that is
// committed, while the store is in use.
func (s *Store) Backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("back the history up: %s is there already", path)
	}
	db, err := sql.Open("sqlite", dsn(s.path)) // those that only read may not write elsewhere, either
	if err != nil {
		return fmt.Errorf("back the history up: %w", err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return errors.Join(s.judgeError("back the history up", err), removeIfThere(path))
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
