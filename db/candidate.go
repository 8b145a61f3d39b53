package db

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"flowbot/service"
)

var (
	_ service.CandidateQueries  = queries{}
	_ service.CandidateCommands = tx{}
)

// ApplicationsOf implements service.CandidateQueries.
func (q queries) ApplicationsOf(ctx context.Context, personID int64, limit int) ([]service.Application, error) {
	var out []service.Application
	err := q.NewSelect().Model(&out).Apply(applicationsOf).
		Join("JOIN exams AS exam ON exam.id = application.exam_id").
		Where("application.person_id = ?", personID).
		OrderExpr("exam.held_on DESC, application.id DESC").Limit(int64(limit)).Scan(ctx)
	return out, explain(err)
}

// questioned finds the first page that seems to be an application's and waits for
// a person, or for the reading that a person has asked for. A copy of the page
// that became its scan contradicts nothing.
const questioned = `SELECT g.id AS page_id, coalesce(g.exam_id, b.exam_id) AS exam_id, e.number AS exam
	FROM scan_pages AS g JOIN scan_batches AS b ON b.id = g.batch_id LEFT JOIN exams AS e ON e.id = coalesce(g.exam_id, b.exam_id)
	WHERE g.application_id = ?0 AND (g.state = 'question' OR g.state IN ('waiting', 'read') AND b.state = 'settled')
	AND NOT EXISTS (SELECT 1 FROM applications AS o JOIN scans AS s ON s.id = o.scan_id WHERE o.id = ?0 AND g.sha IN (s.file_sha, s.page_sha))
	ORDER BY g.id LIMIT 1`

// Questioned implements service.CandidateQueries.
func (q queries) Questioned(ctx context.Context, applicationID int64) (*service.OpenQuestion, error) {
	out := new(service.OpenQuestion)
	err := q.NewRaw(questioned, applicationID).Scan(ctx, out)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // nothing contradicts, which is no error
	}
	if err != nil {
		return nil, explain(err)
	}
	return out, nil
}

// CandidatesOf implements service.CandidateQueries.
func (q queries) CandidatesOf(ctx context.Context, examID int64) ([]service.CandidateReach, error) {
	var out []service.CandidateReach
	err := q.NewSelect().TableExpr("applications AS a").
		ColumnExpr("a.id AS application_id, a.number, a.last_name, a.first_name, a.middle_name, coalesce(a.person_id, 0) AS person_id").
		ColumnExpr("coalesce(p.unreachable_at IS NOT NULL, false) AS unreachable").
		ColumnExpr("a.scan_id IS NOT NULL AS loaded, a.delivered_at IS NOT NULL AS delivered, a.handed_on IS NOT NULL AS handed").
		ColumnExpr("a.outcome = ? AND a.violations = ? AS entitled", service.OutcomePassed, service.ViolationsNone).
		ColumnExpr("coalesce(q.page_id, 0) AS question_page_id, coalesce(q.exam_id, 0) AS question_exam_id, coalesce(q.exam, '') AS question_exam").
		ColumnExpr("coalesce(a.scan_id, 0) AS scan_id, a.deliver_at, coalesce(s.supported, false) AS supported").
		ColumnExpr("a.scan_id IS NOT NULL AND a.deliver_at IS NULL AND a.delivered_at IS NULL AS withheld").
		ColumnExpr("coalesce(t.state = ?, false) AS lost, coalesce(t.state = ?, false) AS failed", service.NoticeUnknown, service.NoticeFailed).
		Join("LEFT JOIN people AS p ON p.id = a.person_id").
		Join("LEFT JOIN scans AS s ON s.id = a.scan_id").
		Join("LEFT JOIN LATERAL ("+noticeTrouble+") AS t ON true", bun.Safe("a.person_id"), bun.Safe("'delivery:' || a.id || ':' || a.scan_id")).
		Join("LEFT JOIN LATERAL ("+questioned+") AS q ON true", bun.Safe("a.id")).
		Where("a.exam_id = ?", examID).
		Where("a.outcome NOT IN (?)", bun.List([]service.Outcome{service.OutcomeAbsent, service.OutcomeFailed})).
		Where("a.violations <> ?", service.ViolationsFound).
		OrderExpr("a.last_name, a.first_name, a.id").Scan(ctx, &out)
	return out, explain(err)
}

// BornShared implements service.CandidateQueries.
func (q queries) BornShared(ctx context.Context, applicationID int64) (bool, error) {
	shared := false
	err := q.NewRaw(`
		SELECT EXISTS (
			SELECT 1 FROM applications AS a
			JOIN exams AS e ON e.id = a.exam_id
			JOIN applications AS o ON o.born_on = a.born_on AND o.id <> a.id
			JOIN exams AS oe ON oe.id = o.exam_id AND oe.center_id = e.center_id
			WHERE a.id = ? AND (o.identity_document = '' OR o.identity_document <> a.identity_document)
		)`, applicationID).Scan(ctx, &shared)
	return shared, explain(err)
}

// Claim implements service.CandidateQueries.
func (q queries) Claim(ctx context.Context, telegramID int64) (*service.Claim, error) {
	c := new(service.Claim)
	err := q.NewSelect().Model(c).ModelTableExpr("candidate_claims AS claim").Where("claim.telegram_id = ?", telegramID).Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return c, nil
}

// ClaimForUpdate implements service.CandidateCommands. The update that changes
// nothing is what locks a row that is there already.
func (t tx) ClaimForUpdate(ctx context.Context, telegramID int64, now time.Time) (*service.Claim, error) {
	c := &service.Claim{TelegramID: telegramID, NextAt: now, UpdatedAt: now}
	_, err := t.NewInsert().Model(c).ModelTableExpr("candidate_claims AS claim").
		On("CONFLICT (telegram_id) DO UPDATE").Set("telegram_id = EXCLUDED.telegram_id").
		Returning("*").Exec(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return c, nil
}

// SaveClaim implements service.CandidateCommands.
func (t tx) SaveClaim(ctx context.Context, c *service.Claim) error {
	res, err := t.NewUpdate().Model(c).ModelTableExpr("candidate_claims AS claim").WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "claim of", c.TelegramID)
}

// PruneClaims implements service.CandidateCommands.
func (t tx) PruneClaims(ctx context.Context, before time.Time, limit int) (int, error) {
	res, err := t.NewRaw(`
		DELETE FROM candidate_claims WHERE telegram_id = ANY (ARRAY(
			SELECT telegram_id FROM candidate_claims WHERE updated_at < ? ORDER BY updated_at LIMIT ?
		))`, before, limit).Exec(ctx)
	if err != nil {
		return 0, explain(err)
	}
	n, err := res.RowsAffected()
	return int(n), explain(err)
}

// ApplicationsToClaim implements service.CandidateCommands.
func (t tx) ApplicationsToClaim(ctx context.Context, phone string, born service.Day, limit int) ([]service.Application, error) {
	var out []service.Application
	err := t.NewSelect().Model(&out).Apply(applicationsOf).
		Where("application.phone = ? AND application.phone <> ''", phone).Where("application.born_on = ?", born).
		OrderExpr("application.id DESC").Limit(int64(limit)).Scan(ctx)
	return out, explain(err)
}

// NoticeLost implements service.CandidateCommands.
func (t tx) NoticeLost(ctx context.Context, personID int64, key string) (bool, error) {
	lost := false
	err := t.NewRaw(`SELECT EXISTS (SELECT 1 FROM notices WHERE person_id = ? AND key = ? AND state = ?)`,
		personID, key, service.NoticeUnknown).Scan(ctx, &lost)
	return lost, explain(err)
}

// AddDelivery implements service.CandidateCommands.
func (t tx) AddDelivery(ctx context.Context, d *service.Delivery) error {
	_, err := t.NewInsert().Model(d).Returning("id").Exec(ctx)
	return explain(err)
}

// MembershipOf implements service.PeopleQueries.
func (q queries) MembershipOf(ctx context.Context, personID int64, seat service.Seat) (*service.Membership, error) {
	m := new(service.Membership)
	err := q.NewSelect().Model(m).Apply(sittingIn(seat)).Where("membership.person_id = ?", personID).Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return m, nil
}

// InvitationByHash implements service.InvitationQueries.
func (q queries) InvitationByHash(ctx context.Context, hash []byte) (*service.Invitation, error) {
	i := new(service.Invitation)
	if err := q.NewSelect().Model(i).Where("token_hash = ?", hash).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return i, nil
}

// AddInvitations implements service.InvitationCommands.
func (t tx) AddInvitations(ctx context.Context, list []service.Invitation) error {
	for some := range slices.Chunk(list, batch) {
		if _, err := t.NewInsert().Model(&some).Exec(ctx); err != nil {
			return explain(err)
		}
	}
	return nil
}

// EndInvitationsOf implements service.InvitationCommands.
func (t tx) EndInvitationsOf(ctx context.Context, personID, updateID int64, now time.Time) error {
	if updateID == 0 {
		return nil
	}
	_, err := t.NewUpdate().Model((*service.Invitation)(nil)).
		Set("revoked_at = ?", now).Set("revoked_by = ?", personID).
		Where("created_by = ?", personID).Where("update_id = ?", updateID).
		Where("used_at IS NULL AND revoked_at IS NULL").Exec(ctx)
	return explain(err)
}

// EndApplicationInvitations implements service.InvitationCommands.
func (t tx) EndApplicationInvitations(ctx context.Context, applicationIDs []int64, by int64, now time.Time) error {
	if len(applicationIDs) == 0 {
		return nil
	}
	q := t.NewUpdate().Model((*service.Invitation)(nil)).Set("revoked_at = ?", now).
		Where("application_id = ANY (?)", pgdialect.Array(applicationIDs)).Where("used_at IS NULL AND revoked_at IS NULL")
	if by != 0 {
		q = q.Set("revoked_by = ?", by)
	}
	_, err := q.Exec(ctx)
	return explain(err)
}
