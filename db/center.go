package db

import (
	"context"

	"flowbot/service"
)

var (
	_ service.CenterQueries  = queries{}
	_ service.CenterCommands = tx{}
)

// Center implements service.CenterQueries.
func (q queries) Center(ctx context.Context, orgID int64) (*service.Center, error) {
	c := new(service.Center)
	err := q.NewSelect().Model(c).Where("org_id = ?", orgID).Scan(ctx)
	if err == nil {
		return c, nil
	}
	if service.AsError(explain(err)).Kind == service.NotFound {
		return &service.Center{OrgID: orgID}, nil
	}
	return nil, explain(err)
}

// SaveCenter implements service.CenterCommands.
func (t tx) SaveCenter(ctx context.Context, c *service.Center) error {
	_, err := t.NewInsert().Model(c).ExcludeColumn("updated_at").
		On("CONFLICT (org_id) DO UPDATE").
		Set(`name_instrumental = EXCLUDED.name_instrumental, issue_address = EXCLUDED.issue_address,
			signatory_position = EXCLUDED.signatory_position, signatory_name = EXCLUDED.signatory_name,
			blank_profile = EXCLUDED.blank_profile, printer_id = EXCLUDED.printer_id,
			revision = EXCLUDED.revision, updated_at = now()`).Exec(ctx)
	return explain(err)
}
