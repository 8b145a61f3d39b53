package db

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"flowbot/service"
)

var _ service.QueueQueries = queries{}

// inQueue keeps the packages in approval for those who represent the operator
// now.
func inQueue(by service.Actor) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(q *bun.SelectQuery) *bun.SelectQuery {
		// A literal, so that the partial index acts_queue fits.
		return q.Where("act.status = 'in_approval'").Where(`EXISTS (
			SELECT 1 FROM memberships AS m
			WHERE m.person_id = ? AND m.role = ? AND m.removed_at IS NULL)`,
			by.PersonID, service.RoleOperatorRep)
	}
}

// QueuePage implements service.QueueQueries. The page is cut before anything is
// joined, so that a line costs the same however long the queue is.
func (q queries) QueuePage(ctx context.Context, by service.Actor, filter service.QueueFilter, today service.Day, offset, limit int) ([]service.QueueItem, error) {
	page := q.NewSelect().Model((*service.Act)(nil)).Apply(inQueue(by)).
		Order("act.due_on", "act.id").Offset(int64(offset)).Limit(int64(limit))
	if filter.PartnerID != 0 {
		page = page.Where("act.partner_id = ?", filter.PartnerID)
	}
	if filter.Mine {
		page = page.Where("act.reviewer_id = ?", by.PersonID)
	}
	if filter.Search != "" {
		page = page.Where("act.number LIKE ?", startsWith(filter.Search))
	}
	switch filter.Due {
	case service.DueOverdue:
		page = page.Where("act.due_on < ?", today)
	case service.DueToday:
		page = page.Where("act.due_on = ?", today)
	case service.DueWeek:
		page = page.Where("act.due_on BETWEEN ? AND ?", today, today.AddDays(6))
	case service.DueAny:
	}
	var out []service.QueueItem
	err := q.NewSelect().With("page", page).TableExpr("page AS act").
		ColumnExpr("act.id AS act_id, act.number, act.revision, act.partner_id, o.name AS partner").
		ColumnExpr("(SELECT count(*) FROM learners AS l WHERE l.act_id = act.id) AS learners").
		ColumnExpr("act.due_on, act.due_on < ? AS overdue", today).
		ColumnExpr("coalesce(act.reviewer_id, 0) AS reviewer_id, coalesce(p.name, '') AS reviewer").
		ColumnExpr("j.uploaded_by = ? AS own", by.PersonID).
		Join("JOIN orgs AS o ON o.id = act.partner_id").
		Join("JOIN journals AS j ON j.cohort_id = act.cohort_id AND j.version = act.journal_version").
		Join("LEFT JOIN people AS p ON p.id = act.reviewer_id").
		Order("act.due_on", "act.id").
		Scan(ctx, &out)
	return out, explain(err)
}

// startsWith is the LIKE pattern of what begins with s, to the letter.
func startsWith(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s) + "%"
}

// QueueCounts implements service.QueueQueries. Each count reads at most
// QueueCap rows of its own index.
func (q queries) QueueCounts(ctx context.Context, by service.Actor, today service.Day) (service.QueueCounts, error) {
	atMost := func(where string, args ...any) *bun.SelectQuery {
		capped := q.NewSelect().Model((*service.Act)(nil)).ColumnExpr("1").Apply(inQueue(by)).Limit(service.QueueCap)
		if where != "" {
			capped = capped.Where(where, args...)
		}
		return q.NewSelect().ColumnExpr("count(*)").TableExpr("(?) AS capped", capped)
	}
	var out service.QueueCounts
	err := q.NewSelect().
		ColumnExpr("(?) AS waiting", atMost("")).
		ColumnExpr("(?) AS overdue", atMost("act.due_on < ?", today)).
		ColumnExpr("(?) AS mine", atMost("act.reviewer_id = ?", by.PersonID)).
		Scan(ctx, &out)
	return out, explain(err)
}

// QueueNext implements service.QueueQueries.
func (q queries) QueueNext(ctx context.Context, by service.Actor, shown int64) (int64, error) {
	first := func(where string) (int64, error) {
		var ids []int64
		err := q.NewSelect().Model((*service.Act)(nil)).Column("act.id").Apply(inQueue(by)).
			Join("JOIN journals AS j ON j.cohort_id = act.cohort_id AND j.version = act.journal_version").
			Where("act.reviewer_id IS NULL").Where("j.uploaded_by <> ?", by.PersonID).
			Where(where, shown).Order("act.due_on", "act.id").Limit(1).Scan(ctx, &ids)
		if err != nil || len(ids) == 0 {
			return 0, explain(err)
		}
		return ids[0], nil
	}
	if shown != 0 {
		id, err := first(`(act.due_on, act.id) > (SELECT s.due_on, s.id FROM acts AS s
			WHERE s.id = ? AND s.status = 'in_approval' AND s.reviewer_id IS NULL)`)
		if err != nil || id != 0 {
			return id, err
		}
	}
	return first("act.id <> ?")
}

// QueuePartners implements service.QueueQueries.
func (q queries) QueuePartners(ctx context.Context, by service.Actor, limit int) ([]service.QueuePartner, error) {
	counted := q.NewSelect().Model((*service.Act)(nil)).
		ColumnExpr("act.partner_id, count(*) AS waiting").Apply(inQueue(by)).
		GroupExpr("act.partner_id")
	var out []service.QueuePartner
	err := q.NewSelect().With("counted", counted).TableExpr("counted AS c").
		ColumnExpr("o.id, o.name, c.waiting").
		Join("JOIN orgs AS o ON o.id = c.partner_id").
		Order("o.name", "o.id").Limit(int64(limit)).Scan(ctx, &out)
	return out, explain(err)
}
