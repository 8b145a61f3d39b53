package db

import (
	"context"

	"github.com/uptrace/bun"
)

// InTx lets tests write SQL of their own inside a transaction of d.
func InTx(ctx context.Context, d *DB, fn func(ctx context.Context, tx bun.IDB) error) error {
	return d.inTx(ctx, func(ctx context.Context, t tx) error { return fn(ctx, t.queries) })
}

// WithoutPassword is withoutPassword.
var WithoutPassword = withoutPassword
