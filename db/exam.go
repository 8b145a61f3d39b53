package db

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"flowbot/service"
)

var (
	_ service.ExamQueries  = queries{}
	_ service.ExamCommands = tx{}
)

// seesExam keeps the exams that the actor may see.
func seesExam(by service.Actor) func(*bun.SelectQuery) *bun.SelectQuery {
	return seesCenter(by, "exam.center_id")
}

// seesCenter keeps the rows of testing centres whose papers the actor may see: the
// centre's staff, and admins. The column names the centre.
func seesCenter(by service.Actor, column bun.Ident) func(*bun.SelectQuery) *bun.SelectQuery {
	return seesOf(by, column, service.RoleCenterStaff, service.RoleAdmin)
}

// Exam implements service.ExamQueries.
func (q queries) Exam(ctx context.Context, by service.Actor, id int64) (*service.Exam, error) {
	e := new(service.Exam)
	err := q.NewSelect().Model(e).ColumnExpr("exam.*").Where("exam.id = ?", id).Apply(seesExam(by)).Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return e, nil
}

// ExamByNumber implements service.ExamQueries.
func (q queries) ExamByNumber(ctx context.Context, by service.Actor, number string) (*service.Exam, error) {
	e := new(service.Exam)
	err := q.NewSelect().Model(e).ColumnExpr("exam.*").Where("exam.number = ?", number).Apply(seesExam(by)).Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return e, nil
}

// listsExams keeps the exams that the actor may see, or those of the actor's own
// centers. Unlike seesExam it asks the rights once for the whole list: which
// seats are looked for is known, that they still stand is asked of the rows. The
// centers stand as numbers beside it, so that an index finds the exams in their
// order.
func listsExams(by service.Actor, own bool) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(q *bun.SelectQuery) *bun.SelectQuery {
		switch {
		case isCommandLine(by):
			return q
		case by.Has(service.RoleAdmin) && !own:
			return q.Where(`EXISTS (
				SELECT 1 FROM memberships AS m WHERE m.person_id = ? AND m.role = ? AND m.removed_at IS NULL)`,
				by.PersonID, service.RoleAdmin)
		}
		return q.Where("exam.center_id IN (?)", bun.List(standing(by, service.RoleCenterStaff))).
			Where(`exam.center_id = ANY (ARRAY(
				SELECT m.org_id FROM memberships AS m WHERE m.person_id = ? AND m.role = ? AND m.removed_at IS NULL))`,
				by.PersonID, service.RoleCenterStaff)
	}
}

// scheduled finds an application of an exam whose scan is on its way.
const scheduled = `SELECT 1 FROM applications AS a WHERE a.exam_id = exam.id AND a.scan_id IS NOT NULL AND a.deliver_at IS NOT NULL
	AND a.delivered_at IS NULL AND a.outcome = '` + string(service.OutcomePassed) + `' AND a.violations = '` + string(service.ViolationsNone) + `'`

// givable narrows that to scans that can go at a moment before their hold is over,
// see service.GivePlan.
const givable = scheduled + ` AND a.deliver_at > ?1
	AND EXISTS (SELECT 1 FROM scans AS s WHERE s.id = a.scan_id AND s.supported)
	AND EXISTS (SELECT 1 FROM people AS p WHERE p.id = a.person_id AND p.unreachable_at IS NULL)
	AND NOT EXISTS (` + questioned + `)`

// examsBy narrows a list of exams by everything in the filter but the statuses
// of certificates.
func examsBy(f service.ExamFilter) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(q *bun.SelectQuery) *bun.SelectQuery {
		if f.Number != "" {
			q = q.Where("exam.number = ?", f.Number)
		}
		if f.Search != "" {
			q = q.Where("(exam.number LIKE ? OR exam.number LIKE ?)", startsWith(f.Search), startsWith(strings.ToUpper(f.Search)))
		}
		if f.Protocols != nil {
			q = q.Where("exam.protocol_status IN (?)", bun.List(f.Protocols))
		}
		if !f.From.IsZero() {
			q = q.Where("exam.held_on >= ?", f.From)
		}
		if !f.To.IsZero() {
			q = q.Where("exam.held_on <= ?", f.To)
		}
		if f.Unsettled {
			q = q.Where("exam.unsettled > 0")
		}
		if f.Settled {
			q = q.Where("exam.unsettled = 0 AND exam.applications > 0")
		}
		if f.ReviewerID != 0 {
			q = q.Where("exam.reviewer_id = ?", f.ReviewerID)
		}
		if !f.HeldBefore.IsZero() {
			q = q.Where("exam.held_on < ?", f.HeldBefore)
		}
		if f.Paused {
			q = q.Where("exam.paused_at IS NOT NULL")
		}
		if f.Scheduled {
			q = q.Where("exam.paused_at IS NULL AND EXISTS (" + scheduled + ")")
		}
		if !f.GivableAt.IsZero() {
			q = q.Where("exam.paused_at IS NULL AND EXISTS ("+givable+")", bun.Safe("a.id"), f.GivableAt.UTC())
		}
		if f.Questions {
			q = q.Where("EXISTS (SELECT 1 FROM scan_pages AS page WHERE page.exam_id = exam.id AND page.state = 'question')")
		}
		return q
	}
}

// ExamList implements service.ExamQueries.
func (q queries) ExamList(ctx context.Context, by service.Actor, f service.ExamFilter, offset, limit int) ([]service.ExamItem, error) {
	var out []service.ExamItem
	sel := q.NewSelect().TableExpr("exams AS exam").
		Join("JOIN orgs AS org ON org.id = exam.center_id").
		Column("exam.id", "exam.number", "exam.center_id", "exam.held_on", "exam.protocol_status", "exam.certificate_status",
			"exam.applications", "exam.successful", "exam.loaded", "exam.revision").
		ColumnExpr("org.name AS center").
		Apply(listsExams(by, f.Own)).Apply(examsBy(f)).
		OrderExpr("exam.held_on DESC, exam.id DESC").Offset(int64(offset)).Limit(int64(limit))
	if f.Certificates != nil {
		sel = sel.Where("exam.certificate_status IN (?)", bun.List(f.Certificates))
	}
	if err := sel.Scan(ctx, &out); err != nil {
		return nil, explain(err)
	}
	return out, nil
}

// ExamCounts implements service.ExamQueries. Each status is counted by itself,
// so that the count ends at the cap; the order is that of an index, which is read
// no further.
func (q queries) ExamCounts(ctx context.Context, by service.Actor, f service.ExamFilter) (map[service.CertificateStatus]int, error) {
	var all *bun.SelectQuery
	for _, status := range service.CertificateStatuses {
		some := q.NewSelect().TableExpr("exams AS exam").ColumnExpr("exam.certificate_status AS status").
			Where("exam.certificate_status = ?", status).
			Apply(listsExams(by, f.Own)).Apply(examsBy(f)).
			OrderExpr("exam.held_on, exam.id").Limit(int64(service.ExamCountCap(by)))
		if all == nil {
			all = q.NewSelect().ColumnExpr("status").TableExpr("(?) AS one", some)
			continue
		}
		all = all.UnionAll(q.NewSelect().ColumnExpr("status").TableExpr("(?) AS one", some))
	}
	var rows []struct {
		Status service.CertificateStatus
		Count  int
	}
	err := q.NewSelect().ColumnExpr("status, count(*) AS count").TableExpr("(?) AS counted", all).GroupExpr("status").Scan(ctx, &rows)
	if err != nil {
		return nil, explain(err)
	}
	out := make(map[service.CertificateStatus]int, len(rows))
	for _, r := range rows {
		out[r.Status] = r.Count
	}
	return out, nil
}

// applicationsOf selects applications together with the blank of their scan.
func applicationsOf(q *bun.SelectQuery) *bun.SelectQuery {
	return q.ColumnExpr("application.*, coalesce(scan.blank_series, '') AS blank_series, coalesce(scan.blank_number, '') AS blank_number, coalesce(blank.state, '') AS blank_state, coalesce(scan.source, '') AS scan_source").
		Join("LEFT JOIN scans AS scan ON scan.id = application.scan_id").
		Join("LEFT JOIN blanks AS blank ON blank.series = scan.blank_series AND blank.number = scan.blank_number")
}

// Applications implements service.ExamQueries.
func (q queries) Applications(ctx context.Context, examID int64) ([]service.Application, error) {
	var out []service.Application
	err := q.NewSelect().Model(&out).Apply(applicationsOf).Where("application.exam_id = ?", examID).
		OrderExpr("application.last_name, application.first_name, application.id").Scan(ctx)
	return out, explain(err)
}

// ApplicationsPage implements service.ExamQueries.
func (q queries) ApplicationsPage(ctx context.Context, examID int64, f service.ApplicationFilter, offset, limit int) ([]service.Application, error) {
	var out []service.Application
	sel := q.NewSelect().Model(&out).Apply(applicationsOf).Where("application.exam_id = ?", examID).
		OrderExpr("application.last_name, application.first_name, application.id").Offset(int64(offset)).Limit(int64(limit))
	if f.Status != "" {
		sel = sel.Where(statusOf+" = ?", f.Status)
	}
	if f.Search != "" {
		sel = sel.Where(`translate(concat_ws(' ', application.last_name, application.first_name, application.middle_name, application.number,
			application.last_name_latin, application.first_name_latin), 'Ёё', 'Ее') ILIKE translate(?, 'Ёё', 'Ее')`, "%"+startsWith(f.Search))
	}
	err := sel.Scan(ctx)
	return out, explain(err)
}

// statusOf is the status of an application, computed from its facts.
const statusOf = "application_status(application.outcome, application.violations, application.scan_id IS NOT NULL, application.handed_on IS NOT NULL)"

// ApplicationCounts implements service.ExamQueries.
func (q queries) ApplicationCounts(ctx context.Context, examID int64) (map[service.ApplicationStatus]int, error) {
	var rows []struct {
		Status service.ApplicationStatus
		Count  int
	}
	err := q.NewSelect().TableExpr("applications AS application").ColumnExpr(statusOf+" AS status, count(*) AS count").
		Where("application.exam_id = ?", examID).GroupExpr("1").Scan(ctx, &rows)
	if err != nil {
		return nil, explain(err)
	}
	out := make(map[service.ApplicationStatus]int, len(rows))
	for _, r := range rows {
		out[r.Status] = r.Count
	}
	return out, nil
}

// LoadedScans implements service.ExamQueries.
func (q queries) LoadedScans(ctx context.Context, examID int64) (map[int64]string, error) {
	var rows []struct {
		ID  int64
		SHA string
	}
	err := q.NewSelect().TableExpr("applications AS a").ColumnExpr("a.id, s.clean_sha AS sha").
		Join("JOIN scans AS s ON s.id = a.scan_id").Where("a.exam_id = ?", examID).Scan(ctx, &rows)
	if err != nil {
		return nil, explain(err)
	}
	out := make(map[int64]string, len(rows))
	for _, r := range rows {
		out[r.ID] = r.SHA
	}
	return out, nil
}

// Application implements service.ExamQueries.
func (q queries) Application(ctx context.Context, by service.Actor, id int64) (*service.Application, error) {
	return q.application(ctx, by, "application.id = ?", id)
}

// ApplicationByNumber implements service.ExamQueries.
func (q queries) ApplicationByNumber(ctx context.Context, by service.Actor, number string) (*service.Application, error) {
	return q.application(ctx, by, "application.number = ?", number)
}

func (q queries) application(ctx context.Context, by service.Actor, which string, key any) (*service.Application, error) {
	a := new(service.Application)
	err := q.NewSelect().Model(a).Apply(applicationsOf).
		Join("JOIN exams AS exam ON exam.id = application.exam_id").
		Where(which, key).Apply(seesExam(by)).Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return a, nil
}

// ExamForUpdate implements service.ExamCommands.
func (t tx) ExamForUpdate(ctx context.Context, by service.Actor, id int64) (*service.Exam, error) {
	e := new(service.Exam)
	err := t.NewSelect().Model(e).ColumnExpr("exam.*").Where("exam.id = ?", id).Apply(seesExam(by)).For("UPDATE").Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return e, nil
}

// SaveExam implements service.ExamCommands.
func (t tx) SaveExam(ctx context.Context, e *service.Exam) error {
	res, err := t.NewUpdate().Model(e).ExcludeColumn("created_at", "updated_at").
		Set("updated_at = now()").WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "exam", e.ID)
}

// ApplicationsForUpdate implements service.ExamCommands. The exam is locked
// already, so nobody else holds any of them; they come by name.
func (t tx) ApplicationsForUpdate(ctx context.Context, examID int64, ids []int64) ([]service.Application, error) {
	var out []service.Application
	if ids != nil && len(ids) == 0 {
		return out, nil
	}
	q := t.NewSelect().Model(&out).Apply(applicationsOf).Where("application.exam_id = ?", examID).
		OrderExpr("application.last_name, application.first_name, application.id").For("UPDATE OF application")
	if ids != nil {
		q = q.Where("application.id = ANY (?)", pgdialect.Array(ids))
	}
	err := q.Scan(ctx)
	return out, explain(err)
}

// SaveApplications implements service.ExamCommands.
func (t tx) SaveApplications(ctx context.Context, list []service.Application) error {
	for some := range slices.Chunk(list, batch) {
		_, err := t.NewUpdate().With("_data", t.NewValues(&some)).Model((*service.Application)(nil)).
			TableExpr("_data").
			Set(`level = _data.level, last_name = _data.last_name, first_name = _data.first_name, middle_name = _data.middle_name,
				last_name_latin = _data.last_name_latin, first_name_latin = _data.first_name_latin, middle_name_latin = _data.middle_name_latin,
				born_on = _data.born_on, gender = _data.gender, identity_document = _data.identity_document,
				citizenship = _data.citizenship, phone = _data.phone, language = _data.language,
				outcome = _data.outcome, violations = _data.violations, result_comment = _data.result_comment,
				registration_number = _data.registration_number, number_typed = _data.number_typed, issued_on = _data.issued_on, valid_until = _data.valid_until,
				scan_id = _data.scan_id, handed_on = _data.handed_on, person_id = _data.person_id, linked_at = _data.linked_at,
				deliver_at = _data.deliver_at, delivered_at = _data.delivered_at, revision = _data.revision, updated_at = now()`).
			Where("application.id = _data.id").Exec(ctx)
		if err != nil {
			return explain(err)
		}
	}
	return nil
}
