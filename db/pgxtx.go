package db

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pgxTx shows River the transaction that bun began on the same connection.
// Whoever began it commits it.
type pgxTx struct{ c *pgx.Conn }

var errNotOurs = errors.New("the transaction belongs to bun")

func (t pgxTx) Begin(context.Context) (pgx.Tx, error) { return nil, errNotOurs }
func (t pgxTx) Commit(context.Context) error          { return errNotOurs }
func (t pgxTx) Rollback(context.Context) error        { return errNotOurs }
func (t pgxTx) LargeObjects() pgx.LargeObjects        { return pgx.LargeObjects{} }
func (t pgxTx) Conn() *pgx.Conn                       { return t.c }

func (t pgxTx) CopyFrom(ctx context.Context, table pgx.Identifier, cols []string, src pgx.CopyFromSource) (int64, error) {
	return t.c.CopyFrom(ctx, table, cols, src)
}

func (t pgxTx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return t.c.SendBatch(ctx, b)
}

func (t pgxTx) Prepare(ctx context.Context, name, query string) (*pgconn.StatementDescription, error) {
	return t.c.Prepare(ctx, name, query)
}

func (t pgxTx) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	return t.c.Exec(ctx, query, args...)
}

func (t pgxTx) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	return t.c.Query(ctx, query, args...)
}

func (t pgxTx) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	return t.c.QueryRow(ctx, query, args...)
}
