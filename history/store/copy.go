package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
)

// Copy writes a copy of a file that another process may have in use: all that is committed.
// The copy must not be there yet.
func Copy(ctx context.Context, from, to string) (err error) {
	if !looksRight(from) {
		return fmt.Errorf("%w: %s is no SQLite file", ErrDamaged, from)
	}
	if _, err := os.Stat(from); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", dsn(from))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s := &Store{path: from, read: db}
	if err := s.Check(ctx); err != nil {
		return err
	}
	if err := s.Backup(ctx, to); err != nil {
		return err
	}
	return os.Chmod(to, 0o600)
}

// Rename says of a file that is not in use that its sequences are of another life of the
// stream RESULTS, which has the same ones: it was restored with it.
func Rename(ctx context.Context, path, id string) (err error) {
	s, err := open(ctx, path, Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	s.at.stream = id
	return s.change(ctx, "note which stream of results it is of", func(tx *sql.Tx) error {
		return (&writer{rollups: s.rollupsIn(tx), s: s}).positions(ctx)
	})
}
