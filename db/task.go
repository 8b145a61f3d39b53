package db

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"flowbot/service"
)

var _ service.TaskQueries = queries{}

// PartnerTasks implements service.TaskQueries.
func (q queries) PartnerTasks(ctx context.Context, partners []int64, now time.Time, limit int) ([]service.Task, error) {
	var out []service.Task
	err := q.NewRaw(`
		(SELECT 'replace' AS kind, c.id AS cohort_id, c.number AS cohort, min(a.due_on) AS due_on, count(*) AS count,
		        min(a.due_on) < (?1 AT TIME ZONE o.zone)::date AS overdue
		 FROM acts a JOIN cohorts c ON c.id = a.cohort_id JOIN orgs o ON o.id = c.partner_id
		 WHERE a.partner_id IN (?0) AND a.status = 'rejected'
		 GROUP BY c.id, o.zone ORDER BY min(a.due_on), c.id LIMIT ?2)
		UNION ALL
		(SELECT 'upload', c.id, c.number, NULL, count(*), false
		 FROM acts a JOIN cohorts c ON c.id = a.cohort_id
		 WHERE a.partner_id IN (?0) AND a.status = 'awaiting_journal'
		 GROUP BY c.id ORDER BY c.end_on, c.id LIMIT ?2)
		UNION ALL
		(SELECT 'generate', c.id, c.number, NULL, 1, false
		 FROM cohorts c JOIN orgs o ON o.id = c.partner_id
		 WHERE c.partner_id IN (?0) AND c.end_on < (?1 AT TIME ZONE o.zone)::date
		   AND EXISTS (SELECT 1 FROM learners WHERE cohort_id = c.id AND `+eligible+`)
		 ORDER BY c.end_on, c.id LIMIT ?2)`,
		bun.List(partners), now, limit).Scan(ctx, &out)
	return out, explain(err)
}

// ReviewTasks implements service.TaskQueries.
func (q queries) ReviewTasks(ctx context.Context, personID int64, limit int) ([]service.Task, error) {
	var out []service.Task
	err := q.NewRaw(`
		SELECT 'review' AS kind, id AS act_id, number AS act, due_on, 1 AS count
		FROM acts WHERE reviewer_id = ? ORDER BY due_on, id LIMIT ?`, personID, limit).Scan(ctx, &out)
	return out, explain(err)
}

// FreePackages implements service.TaskQueries.
func (q queries) FreePackages(ctx context.Context, limit int) (int, service.Day, error) {
	var row struct {
		Count int
		DueOn service.Day
	}
	err := q.NewRaw(`
		SELECT count(*) AS count, min(due_on) AS due_on FROM (
			SELECT due_on FROM acts WHERE status = 'in_approval' AND reviewer_id IS NULL
			ORDER BY due_on, id LIMIT ?
		) AS free`, limit).Scan(ctx, &row)
	return row.Count, row.DueOn, explain(err)
}

// centerTasks says in SQL which exams stand for each kind of a center's tasks; ?1
// is the person, ?2 the moment. Exams that are not ready are told apart by what
// keeps them from it, the first thing first.
var centerTasks = []struct {
	kind  service.TaskKind
	where string
}{
	{service.TaskProtocolMine, `reviewer_id = ?1`},
	{service.TaskProtocolFree, `protocol_status = 'to_check'`},
	{service.TaskProtocol, `protocol_status IN ('missing', 'rejected') AND unsettled = 0 AND applications > 0 AND ` + wasHeld},
	{service.TaskResults, `certificate_status = 'not_ready' AND unsettled > 0 AND ` + wasHeld},
	{service.TaskToGenerate, `certificate_status = 'to_generate'`},
	{service.TaskToLoad, `certificate_status = 'to_load'`},
	{service.TaskPartlyLoaded, `certificate_status = 'partly_loaded'`},
	{service.TaskNameBlanks, `unnamed > 0`},
}

// wasHeld says that an exam was held: from the day after it, in the center's zone.
const wasHeld = `held_on < (?2 AT TIME ZONE (SELECT zone FROM orgs WHERE id = center_id))::date`

// questionTask counts the scanned pages that the staff of centers decide on.
const questionTask = `
	(SELECT 'questions' AS kind, count(*) AS count,
	        CASE WHEN min(exam_id) = max(exam_id) THEN min(exam_id) ELSE 0 END AS exam_id,
	        CASE WHEN min(exam_id) = max(exam_id) THEN min(number) ELSE '' END AS exam
	 FROM (SELECT p.exam_id, e.number FROM scan_pages AS p JOIN exams AS e ON e.id = p.exam_id
	       WHERE p.state = 'question' AND e.center_id IN (?0)
	       ORDER BY p.exam_id, p.id LIMIT ?3) AS q
	 HAVING count(*) > 0)`

// CenterTasks implements service.TaskQueries.
func (q queries) CenterTasks(ctx context.Context, centers []int64, personID int64, now time.Time, limit int) ([]service.Task, error) {
	var parts []string
	for _, t := range centerTasks {
		parts = append(parts, `
			(SELECT '`+string(t.kind)+`' AS kind, count(*) AS count,
			        CASE WHEN count(*) = 1 THEN min(id) ELSE 0 END AS exam_id,
			        CASE WHEN count(*) = 1 THEN min(number) ELSE '' END AS exam
			 FROM (SELECT id, number FROM exams WHERE center_id IN (?0) AND `+t.where+`
			       ORDER BY held_on, id LIMIT ?3) AS e
			 HAVING count(*) > 0)`)
	}
	parts = append(parts, questionTask)
	var out []service.Task
	err := q.NewRaw(strings.Join(parts, " UNION ALL "), bun.List(centers), personID, now, limit).Scan(ctx, &out)
	return out, explain(err)
}

// PartnerReminders implements service.TaskQueries.
func (q queries) PartnerReminders(ctx context.Context, partnerID int64, today, next, overdue service.Day, limit int) ([]service.Task, error) {
	var out []service.Task
	err := q.NewRaw(`
		(SELECT 'generate' AS kind, c.id AS cohort_id, c.number AS cohort, NULL::date AS due_on, 1 AS count
		 FROM cohorts c
		 WHERE c.partner_id = ?0 AND c.end_on = ?1::date - 1
		   AND EXISTS (SELECT 1 FROM learners WHERE cohort_id = c.id AND `+eligible+`)
		 ORDER BY c.id LIMIT ?4)
		UNION ALL
		(SELECT 'replace', c.id, c.number, min(a.due_on), count(*)
		 FROM acts a JOIN cohorts c ON c.id = a.cohort_id
		 WHERE a.partner_id = ?0 AND a.status = 'rejected' AND (a.due_on = ?2::date OR a.due_on < ?3::date)
		 GROUP BY c.id ORDER BY min(a.due_on), c.id LIMIT ?4)`,
		partnerID, today, next, overdue, limit).Scan(ctx, &out)
	return out, explain(err)
}

// PackageReminders implements service.TaskQueries.
func (q queries) PackageReminders(ctx context.Context, personID int64, next, overdue service.Day, limit int) (dueNext, late int, err error) {
	var row struct{ DueNext, Late int }
	err = q.NewRaw(`
		SELECT
			(SELECT count(*) FROM (
				SELECT 1 FROM acts WHERE status = 'in_approval' AND due_on = ?1::date
				  AND (reviewer_id IS NULL OR reviewer_id = ?0) LIMIT ?3) AS n) AS due_next,
			(SELECT count(*) FROM (
				SELECT 1 FROM acts WHERE status = 'in_approval' AND due_on < ?2::date
				  AND (reviewer_id IS NULL OR reviewer_id = ?0) LIMIT ?3) AS l) AS late`,
		personID, next, overdue, limit).Scan(ctx, &row)
	return row.DueNext, row.Late, explain(err)
}

// OrgsByZone implements service.TaskQueries.
func (q queries) OrgsByZone(ctx context.Context) ([]service.OrgZone, error) {
	var out []service.OrgZone
	err := q.NewRaw(`
		SELECT o.id AS org_id, o.zone FROM orgs o
		WHERE EXISTS (SELECT 1 FROM memberships m WHERE m.org_id = o.id AND m.removed_at IS NULL)
		ORDER BY o.id`).Scan(ctx, &out)
	return out, explain(err)
}

// RemindedIn implements service.TaskQueries.
func (q queries) RemindedIn(ctx context.Context, orgID int64, limit int) ([]int64, error) {
	var out []int64
	err := q.NewRaw(`
		SELECT DISTINCT p.id FROM memberships m JOIN people p ON p.id = m.person_id
		WHERE m.org_id = ? AND m.removed_at IS NULL AND NOT p.muted AND p.telegram_id IS NOT NULL
		ORDER BY p.id LIMIT ?`, orgID, limit).Scan(ctx, &out)
	return out, explain(err)
}
