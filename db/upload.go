package db

import (
	"context"

	"flowbot/service"
)

var (
	_ service.UploadQueries  = queries{}
	_ service.UploadCommands = tx{}
)

// Upload implements service.UploadQueries.
func (q queries) Upload(ctx context.Context, id int64) (*service.Upload, error) {
	u := new(service.Upload)
	if err := q.NewSelect().Model(u).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return u, nil
}

// NewestUpload implements service.UploadQueries.
func (q queries) NewestUpload(ctx context.Context, personID int64, purpose service.UploadPurpose, subjectID int64) (*service.Upload, error) {
	var out []service.Upload
	err := q.NewSelect().Model(&out).
		Where("person_id = ?", personID).Where("purpose = ?", purpose).Where("subject_id = ?", subjectID).
		Where("state <> 'removed'").Order("id DESC").Limit(1).Scan(ctx)
	if err != nil || len(out) == 0 {
		return nil, explain(err)
	}
	return &out[0], nil
}

// UploadForUpdate implements service.UploadCommands.
func (t tx) UploadForUpdate(ctx context.Context, id int64) (*service.Upload, error) {
	u := new(service.Upload)
	if err := t.NewSelect().Model(u).Where("id = ?", id).For("UPDATE").Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return u, nil
}

// InsertUpload implements service.UploadCommands.
func (t tx) InsertUpload(ctx context.Context, u *service.Upload) (bool, error) {
	res, err := t.NewInsert().Model(u).On("CONFLICT (person_id, update_id) DO NOTHING").Returning("id").Exec(ctx)
	if err != nil {
		return false, explain(err)
	}
	n, err := res.RowsAffected()
	if err != nil || n == 1 {
		return n == 1, explain(err)
	}
	first := new(service.Upload)
	err = t.NewSelect().Model(first).Where("person_id = ?", u.PersonID).Where("update_id = ?", u.UpdateID).Scan(ctx)
	if err != nil {
		return false, explain(err)
	}
	*u = *first
	return false, nil
}

// SaveUpload implements service.UploadCommands.
func (t tx) SaveUpload(ctx context.Context, u *service.Upload) error {
	res, err := t.NewUpdate().Model(u).WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "upload", u.ID)
}
