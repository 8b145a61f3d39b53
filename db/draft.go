package db

import (
	"context"

	"flowbot/service"
)

var (
	_ service.DraftQueries  = queries{}
	_ service.DraftCommands = tx{}
)

// Draft implements service.DraftQueries.
func (q queries) Draft(ctx context.Context, personID int64) (*service.Draft, error) {
	var out []service.Draft
	err := q.NewSelect().Model(&out).Where("person_id = ?", personID).Scan(ctx)
	if err != nil || len(out) == 0 {
		return nil, explain(err)
	}
	return &out[0], nil
}

// SaveDraft implements service.DraftCommands. The form goes as text: bun would
// write an escaped NUL as six letters.
func (t tx) SaveDraft(ctx context.Context, d *service.Draft) error {
	_, err := t.NewInsert().Model(d).Value("form", "?", string(d.Form)).
		On("CONFLICT (person_id) DO UPDATE").
		Set("kind = EXCLUDED.kind, step = EXCLUDED.step, form = EXCLUDED.form").
		Set("update_id = EXCLUDED.update_id, message_id = EXCLUDED.message_id, updated_at = EXCLUDED.updated_at").
		Returning("NULL").Exec(ctx)
	return explain(err)
}

// DropDraft implements service.DraftCommands.
func (t tx) DropDraft(ctx context.Context, personID int64) error {
	_, err := t.NewDelete().Model((*service.Draft)(nil)).Where("person_id = ?", personID).Exec(ctx)
	return explain(err)
}

// SetDraftCard implements service.DraftCommands.
func (t tx) SetDraftCard(ctx context.Context, personID, messageID int64) error {
	_, err := t.NewUpdate().Model((*service.Draft)(nil)).
		Set("message_id = ?", messageID).Where("person_id = ?", personID).Exec(ctx)
	return explain(err)
}
