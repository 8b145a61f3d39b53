package db

import (
	"context"
	"time"

	"github.com/uptrace/bun"

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

// CentersToFill implements service.CenterQueries.
func (q queries) CentersToFill(ctx context.Context, centers []int64, limit int) ([]service.Org, error) {
	var out []service.Org
	query := q.NewSelect().Model(&out).Join("LEFT JOIN centers AS c ON c.org_id = org.id").Where("org.kind = ?", service.OrgCenter).
		Where(`coalesce(c.blank_profile, '') = '' AND EXISTS (SELECT 1 FROM exams AS e WHERE e.center_id = org.id AND e.certificate_status IN ('to_generate', 'to_load', 'partly_loaded'))
			OR '' IN (coalesce(c.name_instrumental, ''), c.issue_address, c.signatory_position, c.signatory_name)
			AND EXISTS (SELECT 1 FROM exams AS e WHERE e.center_id = org.id AND e.certificate_status = 'to_generate')`)
	if len(centers) > 0 {
		query = query.Where("org.id IN (?)", bun.List(centers))
	}
	err := query.Order("org.name", "org.id").Limit(int64(limit)).Scan(ctx)
	return out, explain(err)
}

// CenterPrinters implements service.CenterQueries.
func (q queries) CenterPrinters(ctx context.Context, orgID int64) ([]service.CenterPrinter, error) {
	var out []service.CenterPrinter
	err := q.NewSelect().Model(&out).Where("center_id = ?", orgID).Where("removed_at IS NULL").Order("name").Scan(ctx)
	return out, explain(err)
}

// CenterPrinter implements service.CenterQueries.
func (q queries) CenterPrinter(ctx context.Context, id int64) (*service.CenterPrinter, error) {
	p := new(service.CenterPrinter)
	if err := q.NewSelect().Model(p).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return p, nil
}

// OwnProfiles implements service.CenterQueries.
func (q queries) OwnProfiles(ctx context.Context, orgID int64) ([]service.OwnProfile, error) {
	var out []service.OwnProfile
	err := q.NewSelect().Model(&out).Where("center_id = ?", orgID).Where("removed_at IS NULL").Order("id").Scan(ctx)
	return out, explain(err)
}

// OwnProfile implements service.CenterQueries.
func (q queries) OwnProfile(ctx context.Context, code string) (*service.OwnProfile, error) {
	p := new(service.OwnProfile)
	if err := q.NewSelect().Model(p).Where("code = ?", code).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return p, nil
}

// CenterForUpdate implements service.CenterCommands. The organisation's row
// stands for a center's row that may not be there yet; rows that refer to it are
// not held up.
func (t tx) CenterForUpdate(ctx context.Context, orgID int64) (*service.Center, error) {
	var id int64
	err := t.NewSelect().Model((*service.Org)(nil)).Column("id").
		Where("id = ?", orgID).Where("kind = ?", service.OrgCenter).For("NO KEY UPDATE").Scan(ctx, &id)
	if err != nil {
		return nil, explain(err)
	}
	return t.Center(ctx, orgID)
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

// InsertCenterPrinter implements service.CenterCommands.
func (t tx) InsertCenterPrinter(ctx context.Context, p *service.CenterPrinter) error {
	_, err := t.NewInsert().Model(p).ExcludeColumn("created_at").Returning("id").Exec(ctx)
	return explain(err)
}

// SaveCenterPrinter implements service.CenterCommands.
func (t tx) SaveCenterPrinter(ctx context.Context, p *service.CenterPrinter) error {
	res, err := t.NewUpdate().Model(p).Column("name", "right_by", "down_by", "revision", "removed_at").WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "printer", p.ID)
}

// InsertOwnProfile implements service.CenterCommands.
func (t tx) InsertOwnProfile(ctx context.Context, p *service.OwnProfile) error {
	_, err := t.NewInsert().Model(p).Returning("id").Exec(ctx)
	return explain(err)
}

// RemoveOwnProfile implements service.CenterCommands.
func (t tx) RemoveOwnProfile(ctx context.Context, id int64, at time.Time) error {
	res, err := t.NewUpdate().Model((*service.OwnProfile)(nil)).Set("removed_at = ?", at).Where("id = ?", id).Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "blank profile", id)
}

// OwnProfileCount implements service.CenterCommands.
func (t tx) OwnProfileCount(ctx context.Context, orgID int64) (int, error) {
	n, err := t.NewSelect().Model((*service.OwnProfile)(nil)).Where("center_id = ?", orgID).Count(ctx)
	return int(n), explain(err)
}
