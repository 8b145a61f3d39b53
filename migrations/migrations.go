// Package migrations carries the schema: one SQL file per step, NNNNN_what.sql,
// with a part up and a part down.
package migrations

import "embed"

// Files are the steps, in goose's form.
//
//go:embed [0-9]*.sql
var Files embed.FS
