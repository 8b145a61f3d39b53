package db

import (
	"context"

	"flowbot/service"
)

var (
	_ service.FileQueries  = queries{}
	_ service.FileCommands = tx{}
)

// File implements service.FileQueries.
func (q queries) File(ctx context.Context, sha256 string) (*service.File, error) {
	f := new(service.File)
	if err := q.NewSelect().Model(f).Where("sha256 = ?", sha256).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return f, nil
}

// SaveFile implements service.FileCommands. What was found in the content first
// stays.
func (t tx) SaveFile(ctx context.Context, f service.File) error {
	q := t.NewInsert().Model(&f).On("CONFLICT (sha256) DO NOTHING").Returning("NULL")
	if f.CreatedAt.IsZero() {
		q = q.Value("created_at", "now()")
	}
	_, err := q.Exec(ctx)
	return explain(err)
}
