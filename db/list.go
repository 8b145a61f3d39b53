package db

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"flowbot/service"
)

var _ service.ListQueries = queries{}

// wants says in SQL in which cohorts something can be done at a moment, ?0.
var wants = map[service.CohortWant]string{
	service.WantAny: "", // at any
	service.WantGenerate: `cohort.end_on < (?0 AT TIME ZONE org.zone)::date
		AND EXISTS (SELECT 1 FROM learners WHERE cohort_id = cohort.id AND act_id IS NULL AND ` + documented + `)`,
	service.WantUpload: `cohort.end_on < (?0 AT TIME ZONE org.zone)::date
		AND EXISTS (SELECT 1 FROM acts WHERE cohort_id = cohort.id AND status = 'awaiting_journal')`,
	service.WantReplace: `cohort.end_on < (?0 AT TIME ZONE org.zone)::date
		AND EXISTS (SELECT 1 FROM acts WHERE cohort_id = cohort.id AND status IN ('in_approval', 'rejected'))
		AND NOT EXISTS (SELECT 1 FROM acts WHERE cohort_id = cohort.id AND reviewer_id IS NOT NULL)`,
}

// CohortList implements service.ListQueries. Only a partner's own
// representatives want something of a cohort; everybody else just looks.
func (q queries) CohortList(ctx context.Context, by service.Actor, want service.CohortWant, number string, now time.Time, offset, limit int) ([]service.CohortItem, error) {
	var out []service.CohortItem
	sel := q.NewSelect().TableExpr("cohorts AS cohort").
		Join("JOIN orgs AS org ON org.id = cohort.partner_id").
		Column("cohort.id", "cohort.number", "cohort.program", "cohort.end_on", "cohort.revision").
		Apply(seesCohort(by)).
		OrderExpr("cohort.end_on DESC, cohort.id DESC").Offset(int64(offset)).Limit(int64(limit))
	if want != service.WantAny {
		sel = sel.Where(wants[want], now).Where("cohort.partner_id IN (?)", bun.List(standing(by, service.RolePartnerRep)))
	}
	if number != "" {
		sel = sel.Where("cohort.number = ?", number)
	}
	if err := sel.Scan(ctx, &out); err != nil {
		return nil, explain(err)
	}
	return out, nil
}

// standing lists the organisations of a role; never empty, for IN () is no SQL.
func standing(by service.Actor, role service.Role) []int64 {
	return append(by.Orgs(role), 0)
}

// ActList implements service.ListQueries.
func (q queries) ActList(ctx context.Context, by service.Actor, filter service.ActFilter, offset, limit int) ([]service.ActItem, error) {
	var out []service.ActItem
	sel := q.NewSelect().TableExpr("acts AS act").
		Column("act.id", "act.number", "act.status", "act.revision", "act.due_on").
		Where("act.status IN (?)", bun.List(filter.Statuses)).
		Apply(seesAct(by)).
		OrderExpr("act.id DESC").Offset(int64(offset)).Limit(int64(limit))
	if filter.Number != "" {
		sel = sel.Where("act.number = ?", filter.Number)
	}
	if filter.Partners != nil {
		sel = sel.Where("act.partner_id IN (?)", bun.List(filter.Partners))
	}
	if filter.Free {
		sel = sel.Where("act.reviewer_id IS NULL")
	}
	if filter.HolderID != 0 {
		sel = sel.Where("act.reviewer_id = ?", filter.HolderID)
	}
	if filter.JournalStands {
		sel = sel.Where(`EXISTS (
			SELECT 1 FROM cohorts AS c JOIN journals AS j ON j.cohort_id = c.id AND j.version = c.journal_version
			WHERE c.id = act.cohort_id AND j.rejected_at IS NULL)`)
	}
	if err := sel.Scan(ctx, &out); err != nil {
		return nil, explain(err)
	}
	return out, nil
}
