package store

import (
	"context"
	"database/sql"
)

// statements are those of a transaction, each prepared once.
type statements struct {
	tx       *sql.Tx
	prepared map[string]*sql.Stmt // the end of the transaction closes them
}

func newStatements(tx *sql.Tx) statements { return statements{tx, map[string]*sql.Stmt{}} }

func (x *statements) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if p := x.prepared[text]; p != nil {
		return p, nil
	}
	p, err := x.tx.PrepareContext(ctx, text)
	if err == nil {
		x.prepared[text] = p
	}
	return p, err
}

// each calls do for each row.
func (x *statements) each(ctx context.Context, text string, do func(*sql.Rows) error, args ...any) error {
	p, err := x.prepare(ctx, text)
	if err != nil {
		return err
	}
	rows, err := p.QueryContext(ctx, args...)
	return eachRow(rows, err, do)
}

// one reads the one row that there is into what is given. Without one, it is sql.ErrNoRows.
func (x *statements) one(ctx context.Context, text string, into []any, args ...any) error {
	p, err := x.prepare(ctx, text)
	if err != nil {
		return err
	}
	return p.QueryRowContext(ctx, args...).Scan(into...)
}

func (x *statements) exec(ctx context.Context, text string, args ...any) error {
	p, err := x.prepare(ctx, text)
	if err != nil {
		return err
	}
	_, err = p.ExecContext(ctx, args...)
	return err
}
