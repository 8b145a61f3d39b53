package db

import (
	"context"

	"flowbot/service"
)

var (
	_ service.CardQueries  = queries{}
	_ service.CardCommands = tx{}
)

// Card implements service.CardQueries.
func (q queries) Card(ctx context.Context, personID int64, name string) (*service.Card, error) {
	c := new(service.Card)
	err := q.NewSelect().Model(c).Where("person_id = ? AND name = ?", personID, name).Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return c, nil
}

// SaveCard implements service.CardCommands.
func (t tx) SaveCard(ctx context.Context, c service.Card) error {
	_, err := t.NewInsert().Model(&c).
		On("CONFLICT (person_id, name) DO UPDATE").
		Set("message_id = EXCLUDED.message_id, sent_at = EXCLUDED.sent_at").
		Exec(ctx)
	return explain(err)
}

// CardHolders implements service.CardQueries.
func (q queries) CardHolders(ctx context.Context, name string) ([]int64, error) {
	var out []int64
	err := q.NewRaw(`SELECT person_id FROM cards WHERE name = ? ORDER BY person_id`, name).Scan(ctx, &out)
	return out, explain(err)
}

// DropScreens implements service.CardCommands.
func (t tx) DropScreens(ctx context.Context, personID, messageID int64, except string) error {
	_, err := t.NewRaw(`DELETE FROM cards WHERE person_id = ? AND message_id = ? AND name LIKE '%:%' AND name <> ?`, personID, messageID, except).Exec(ctx)
	return explain(err)
}
