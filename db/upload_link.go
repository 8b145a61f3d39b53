package db

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"

	"flowbot/service"
)

var (
	_ service.UploadLinkQueries  = queries{}
	_ service.UploadLinkCommands = tx{}
)

// UploadLinkByHash implements service.UploadLinkQueries.
func (q queries) UploadLinkByHash(ctx context.Context, hash []byte) (*service.UploadLink, error) {
	l := new(service.UploadLink)
	if err := q.NewSelect().Model(l).Where("token_hash = ?", hash).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return l, nil
}

// LivingUploadLinks implements service.UploadLinkQueries.
func (q queries) LivingUploadLinks(ctx context.Context, ids []int64, after time.Time) ([]int64, error) {
	var out []int64
	err := q.NewSelect().Model((*service.UploadLink)(nil)).Column("id").Where("id = ANY (?)", pgdialect.Array(ids)).
		Where("used_at IS NULL").Where("expires_at > ?", after).Order("id").Scan(ctx, &out)
	return out, explain(err)
}

// UploadFiles implements service.UploadLinkQueries.
func (q queries) UploadFiles(ctx context.Context, linkID int64, since time.Time) ([]service.UploadFile, error) {
	var out []service.UploadFile
	err := q.NewSelect().Model(&out).Where("link_id = ?", linkID).Where("added_at >= ?", since).Order("added_at", "upload").Scan(ctx)
	return out, explain(err)
}

// UploadFile implements service.UploadLinkQueries.
func (q queries) UploadFile(ctx context.Context, linkID int64, upload string) (*service.UploadFile, error) {
	f := new(service.UploadFile)
	err := q.NewSelect().Model(f).Where("link_id = ?", linkID).Where("upload = ?", upload).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // that it has not come is an answer
	}
	if err != nil {
		return nil, explain(err)
	}
	return f, nil
}

// PutUploadLink implements service.UploadLinkCommands.
func (t tx) PutUploadLink(ctx context.Context, l *service.UploadLink) error {
	_, err := t.NewInsert().Model(l).On("CONFLICT (person_id, exam_id) WHERE used_at IS NULL DO UPDATE").
		Set("token_hash = EXCLUDED.token_hash").Set("update_id = EXCLUDED.update_id").
		Set("created_at = EXCLUDED.created_at").Set("expires_at = EXCLUDED.expires_at").
		Returning("id").Exec(ctx)
	return explain(err)
}

// UploadLinkForUpdate implements service.UploadLinkCommands.
func (t tx) UploadLinkForUpdate(ctx context.Context, id int64) (*service.UploadLink, error) {
	l := new(service.UploadLink)
	if err := t.NewSelect().Model(l).Where("id = ?", id).For("NO KEY UPDATE").Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return l, nil
}

// UseUploadLink implements service.UploadLinkCommands.
func (t tx) UseUploadLink(ctx context.Context, l *service.UploadLink) error {
	res, err := t.NewUpdate().Model(l).Column("used_at").WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "upload link", l.ID)
}

// InsertUploadFile implements service.UploadLinkCommands.
func (t tx) InsertUploadFile(ctx context.Context, f *service.UploadFile) error {
	_, err := t.NewInsert().Model(f).Returning("NULL").Exec(ctx)
	return explain(err)
}
