package db

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"flowbot/service"
)

var (
	_ service.ScanBatchQueries  = queries{}
	_ service.ScanBatchCommands = tx{}
)

// ScanBatch implements service.ScanBatchQueries.
func (q queries) ScanBatch(ctx context.Context, id int64) (*service.ScanBatch, error) {
	b := new(service.ScanBatch)
	if err := q.NewSelect().Model(b).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return b, nil
}

// OpenScanBatch implements service.ScanBatchQueries.
func (q queries) OpenScanBatch(ctx context.Context, personID, centerID, examID int64) (*service.ScanBatch, error) {
	var out []service.ScanBatch
	sel := q.NewSelect().Model(&out).Where("person_id = ?", personID).Where("center_id = ?", centerID).
		Where("state IN ('open', 'choosing')").Order("id DESC").Limit(1)
	if examID != 0 {
		sel = sel.Where("exam_id = ?", examID)
	}
	if err := sel.Scan(ctx); err != nil || len(out) == 0 {
		return nil, explain(err)
	}
	return &out[0], nil
}

// ScanBatchBefore implements service.ScanBatchQueries.
func (q queries) ScanBatchBefore(ctx context.Context, b *service.ScanBatch, since time.Time) (*service.ScanBatch, error) {
	var out []service.ScanBatch
	err := q.NewSelect().Model(&out).Where("exam_id = ?", b.ExamID).Where("id < ?", b.ID).Where("person_id = ?", b.PersonID).
		Where("settled_at >= ?", since).Where("settled_at <= ?", b.CreatedAt).
		Where("EXISTS (SELECT 1 FROM scan_pages AS p WHERE p.batch_id = scan_batch.id)").Order("id DESC").Limit(1).Scan(ctx)
	if err != nil || len(out) == 0 {
		return nil, explain(err)
	}
	return &out[0], nil
}

// BatchesToChoose implements service.ScanBatchQueries.
func (q queries) BatchesToChoose(ctx context.Context, centers []int64, limit int) ([]service.BatchToChoose, error) {
	var out []service.BatchToChoose
	err := q.NewRaw(`SELECT b.id, b.center_id, p.name AS sender, (b.created_at AT TIME ZONE o.zone)::date AS sent_on,
			(SELECT count(*) FROM scan_pages WHERE batch_id = b.id) AS pages
		FROM scan_batches AS b JOIN people AS p ON p.id = b.person_id JOIN orgs AS o ON o.id = b.center_id
		WHERE b.state = 'choosing' AND b.center_id IN (?) ORDER BY b.id LIMIT ?`, bun.List(centers), limit).Scan(ctx, &out)
	return out, explain(err)
}

// ScanFile implements service.ScanBatchQueries.
func (q queries) ScanFile(ctx context.Context, id int64) (*service.ScanFile, error) {
	f := new(service.ScanFile)
	if err := q.NewSelect().Model(f).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return f, nil
}

// ScanFiles implements service.ScanBatchQueries.
func (q queries) ScanFiles(ctx context.Context, batchID int64) ([]service.ScanFile, error) {
	var out []service.ScanFile
	err := q.NewSelect().Model(&out).Where("batch_id = ?", batchID).Order("id").Scan(ctx)
	return out, explain(err)
}

// ScanPage implements service.ScanBatchQueries.
func (q queries) ScanPage(ctx context.Context, id int64) (*service.ScanPage, error) {
	p := new(service.ScanPage)
	if err := q.NewSelect().Model(p).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return p, nil
}

// ScanPages implements service.ScanBatchQueries. Pages of two files are read side
// by side; they come file by file.
func (q queries) ScanPages(ctx context.Context, batchID int64, states []service.PageState, offset, limit int) ([]service.ScanPage, error) {
	var out []service.ScanPage
	sel := q.NewSelect().Model(&out).ExcludeColumn("evidence").Where("batch_id = ?", batchID).
		Order("file_id", "number").Offset(int64(offset)).Limit(int64(limit))
	if states != nil {
		sel = sel.Where("state IN (?)", bun.List(states))
	}
	err := sel.Scan(ctx)
	return out, explain(err)
}

// AskedTwins implements service.ScanBatchQueries.
func (q queries) AskedTwins(ctx context.Context, batchID int64) (map[int64]int64, error) {
	var rows []struct{ ID, BatchID int64 }
	err := q.NewRaw(`SELECT p.id, t.batch_id FROM scan_pages AS p JOIN scan_pages AS t ON t.id = p.twin_id
		WHERE p.batch_id = ? AND p.state = 'aside' AND p.rule = ? AND t.state = 'question'`, batchID, service.PageRuleDuplicate).Scan(ctx, &rows)
	out := make(map[int64]int64, len(rows))
	for _, r := range rows {
		out[r.ID] = r.BatchID
	}
	return out, explain(err)
}

// ScanPageNumbers implements service.ScanBatchQueries.
func (q queries) ScanPageNumbers(ctx context.Context, fileID int64) ([]int, error) {
	var out []int
	err := q.NewSelect().Model((*service.ScanPage)(nil)).Column("number").Where("file_id = ?", fileID).Order("number").Scan(ctx, &out)
	return out, explain(err)
}

// ScanWaiting implements service.ScanBatchQueries.
func (q queries) ScanWaiting(ctx context.Context, batchID int64) (files, pages int, err error) {
	var out struct{ Files, Pages int }
	err = q.NewRaw(`SELECT
			(SELECT count(*) FROM scan_files WHERE batch_id = ?0 AND state = 'waiting') AS files,
			(SELECT count(*) FROM scan_pages WHERE batch_id = ?0 AND state = 'waiting') AS pages`, batchID).Scan(ctx, &out)
	return out.Files, out.Pages, explain(err)
}

// ScanVotes implements service.ScanBatchQueries.
func (q queries) ScanVotes(ctx context.Context, batchID int64) (map[int64]int, error) {
	var rows []struct {
		ExamID int64
		Pages  int
	}
	err := q.NewRaw(`SELECT a.exam_id, count(*) AS pages FROM scan_pages AS p JOIN applications AS a ON a.id = p.application_id
		WHERE p.batch_id = ? AND p.state = 'read' GROUP BY a.exam_id`, batchID).Scan(ctx, &rows)
	out := make(map[int64]int, len(rows))
	for _, r := range rows {
		out[r.ExamID] = r.Pages
	}
	return out, explain(err)
}

// live finds, by their arguments, jobs of a kind that are still to be worked.
const live = `SELECT 1 FROM river_job WHERE kind = '%s' AND args @> jsonb_build_object('%s', x.id)
	AND state IN ('available', 'pending', 'scheduled', 'retryable', 'running')`

// StrayScans implements service.ScanBatchQueries. A job is inserted with its row,
// and ends with it: a row that waits without one was given up by nobody, because
// the process died with the job's last try.
func (q queries) StrayScans(ctx context.Context, limit int) (files, pages, batches []int64, err error) {
	for _, one := range []struct {
		into  *[]int64
		query string
		job   service.Job
		field string
	}{
		{&files, `SELECT x.id FROM scan_files AS x WHERE x.state = 'waiting'`, service.TakeApart{}, "file_id"},
		{&pages, `SELECT x.id FROM scan_pages AS x WHERE x.state = 'waiting'`, service.ReadPage{}, "page_id"},
		{&batches, `SELECT x.id FROM scan_batches AS x WHERE x.state <> 'choosing'
			AND x.id IN (SELECT id FROM scan_batches WHERE state = 'open' UNION SELECT batch_id FROM scan_pages WHERE state = 'read')
			AND NOT EXISTS (SELECT 1 FROM scan_files AS f WHERE f.batch_id = x.id AND f.state = 'waiting')
			AND NOT EXISTS (SELECT 1 FROM scan_pages AS p WHERE p.batch_id = x.id AND p.state = 'waiting')
			AND NOT EXISTS (SELECT 1 FROM river_job WHERE kind = 'settle_batch' AND args @> jsonb_build_object('batch_id', x.id)
				AND state = 'discarded' AND finalized_at > now() - interval '5 minutes')`, service.SettleBatch{}, "batch_id"},
	} {
		query := one.query + " AND NOT EXISTS (" + fmt.Sprintf(live, one.job.Kind(), one.field) + ") ORDER BY x.id LIMIT ?"
		if err := q.NewRaw(query, limit).Scan(ctx, one.into); err != nil {
			return nil, nil, nil, explain(err)
		}
	}
	return files, pages, batches, nil
}

// PageOfScan implements service.ScanBatchQueries.
func (q queries) PageOfScan(ctx context.Context, scanID int64) (*service.ScanPage, error) {
	return onePage(ctx, q.NewSelect().Where("scan_id = ?", scanID).Where("scan_id IS NOT NULL"))
}

// PageBefore implements service.ScanBatchQueries. A page of another batch counts
// once it is decided: until then that batch may be cancelled.
func (q queries) PageBefore(ctx context.Context, examID int64, sha string, id int64) (*service.ScanPage, error) {
	no := []service.MatchRule{service.PageRuleUnreadable, service.PageRuleRescan, service.PageRuleNotEntitled, service.PageRuleDuplicate}
	return onePage(ctx, q.NewSelect().Where("exam_id = ?", examID).Where("sha = ?", sha).
		Where("(id < ?0 AND batch_id = (SELECT batch_id FROM scan_pages WHERE id = ?0) OR id <> ?0 AND state NOT IN ('waiting', 'read'))", id).
		Where("(state <> 'aside' OR rule NOT IN (?)) AND state <> 'cancelled'", bun.List(no)).Order("id").Limit(1))
}

func onePage(ctx context.Context, sel *bun.SelectQuery) (*service.ScanPage, error) {
	var out []service.ScanPage
	if err := sel.Model(&out).Scan(ctx); err != nil || len(out) == 0 {
		return nil, explain(err)
	}
	return &out[0], nil
}

// ScanReplacedBy implements service.ScanBatchQueries. Both are written at one
// moment.
func (q queries) ScanReplacedBy(ctx context.Context, scanID int64) (*service.Scan, error) {
	var out []service.Scan
	err := q.NewRaw(`SELECT o.* FROM scans AS s JOIN scans AS o ON o.application_id = s.application_id AND o.version < s.version
		WHERE s.id = ? AND o.replaced_at = s.loaded_at ORDER BY o.version DESC LIMIT 1`, scanID).Scan(ctx, &out)
	if err != nil || len(out) == 0 {
		return nil, explain(err)
	}
	return &out[0], nil
}

// ExamsForScans implements service.ScanBatchQueries.
func (q queries) ExamsForScans(ctx context.Context, centerID int64, limit int) ([]service.ExamItem, error) {
	var out []service.ExamItem
	err := q.NewSelect().TableExpr("exams AS exam").Join("JOIN orgs AS org ON org.id = exam.center_id").
		Column("exam.id", "exam.number", "exam.center_id", "exam.held_on", "exam.protocol_status", "exam.certificate_status",
			"exam.applications", "exam.successful", "exam.loaded", "exam.revision").
		ColumnExpr("org.name AS center").
		Where("exam.center_id = ?", centerID).
		Where("exam.certificate_status IN (?)", bun.List([]service.CertificateStatus{service.CertificatesToLoad, service.CertificatesPartlyLoaded})).
		OrderExpr("exam.held_on DESC, exam.id DESC").Limit(int64(limit)).Scan(ctx, &out)
	return out, explain(err)
}

// NumberInCenter implements service.ScanBatchQueries.
func (q queries) NumberInCenter(ctx context.Context, centerID int64, number string) (*service.Application, error) {
	var out []service.Application
	err := q.NewSelect().Model(&out).Apply(applicationsOf).Join("JOIN exams AS exam ON exam.id = application.exam_id").
		Where("application.registration_number = ?", number).Where("application.registration_number <> ''").
		Where("exam.center_id = ?", centerID).Limit(1).Scan(ctx)
	if err != nil || len(out) == 0 {
		return nil, explain(err)
	}
	return &out[0], nil
}

// NumberedInCenter implements service.ScanBatchQueries.
func (q queries) NumberedInCenter(ctx context.Context, examID int64, numbers []string) ([]service.Application, error) {
	var out []service.Application
	err := q.NewSelect().Model(&out).Apply(applicationsOf).Join("JOIN exams AS exam ON exam.id = application.exam_id").
		Where("application.number = ANY (?)", pgdialect.Array(numbers)).Where("exam.id <> ?", examID).
		Where("exam.center_id = (SELECT center_id FROM exams WHERE id = ?)", examID).Scan(ctx)
	return out, explain(err)
}

// AwaitedAlike implements service.ScanBatchQueries.
func (q queries) AwaitedAlike(ctx context.Context, a *service.Application, read string, limit int) ([]service.Application, error) {
	const name = `lower(translate(concat_ws(' ', application.last_name, application.first_name, application.middle_name), 'Ёё', 'Ее'))`
	const same = name + ` = lower(translate(concat_ws(' ', ?::text, ?::text, ?::text), 'Ёё', 'Ее'))`
	var out []service.Application
	sel := q.NewSelect().Model(&out).Apply(applicationsOf).Join("JOIN exams AS exam ON exam.id = application.exam_id").
		Join("LEFT JOIN scans AS supporting ON supporting.id = application.scan_id AND supporting.supported").
		Where("exam.id <> ?", a.ExamID).Where("exam.center_id = (SELECT center_id FROM exams WHERE id = ?)", a.ExamID).
		Where("exam.certificate_status IN (?)", bun.List([]service.CertificateStatus{service.CertificatesToLoad, service.CertificatesPartlyLoaded})).
		Where("application.outcome = ?", service.OutcomePassed).Where("application.violations = ?", service.ViolationsNone).
		Where("supporting.id IS NULL").
		Where("("+same+" OR application.registration_number LIKE ?)", a.LastName, a.FirstName, a.MiddleName, strings.ReplaceAll(read, "?", "_")).
		OrderExpr("("+same+") DESC, application.id", a.LastName, a.FirstName, a.MiddleName).Limit(int64(limit))
	return out, explain(sel.Scan(ctx))
}

// PrintedFor implements service.ScanBatchQueries.
func (q queries) PrintedFor(ctx context.Context, examID int64, number string) (int64, error) {
	var out []int64
	err := q.NewRaw(`SELECT p.applications[c.n] FROM printings AS p
		CROSS JOIN jsonb_array_elements(p.form->'Certificates') WITH ORDINALITY AS c (form, n)
		WHERE p.exam_id = ? AND p.fault IS NULL AND c.form->>'RegistrationNumber' = ? ORDER BY p.id DESC LIMIT 1`, examID, number).Scan(ctx, &out)
	if err != nil || len(out) == 0 {
		return 0, explain(err)
	}
	return out[0], nil
}

// PrintedState implements service.ScanBatchQueries. Whether a scan is loaded, who
// is linked and the like change nothing on the list.
func (q queries) PrintedState(ctx context.Context, examIDs []int64) (string, error) {
	var out string
	err := q.NewRaw(`SELECT concat(
			(SELECT md5(string_agg(concat_ws('|', a.id, a.level, a.last_name, a.first_name, a.middle_name, a.last_name_latin, a.first_name_latin,
				a.middle_name_latin, a.outcome, a.violations, a.registration_number, a.issued_on), E'\n' ORDER BY a.id))
				FROM applications AS a WHERE a.exam_id = ANY (?0)), ' ',
			(SELECT coalesce(max(p.id), 0) FROM printings AS p WHERE p.exam_id = ANY (?0) AND p.fault IS NULL))`,
		pgdialect.Array(examIDs)).Scan(ctx, &out)
	return out, explain(err)
}

// PrintedForms implements service.ScanBatchQueries.
func (q queries) PrintedForms(ctx context.Context, examIDs []int64) ([]service.PrintedForm, error) {
	var list []service.Application
	err := q.NewSelect().Model(&list).Apply(applicationsOf).
		Where("application.exam_id = ANY (?)", pgdialect.Array(examIDs)).
		Where("application.outcome = ?", service.OutcomePassed).Where("application.violations = ?", service.ViolationsNone).
		OrderExpr("application.id").Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	var rows []struct {
		ID          int64 // of the application
		PrintingID  int64
		Certificate json.RawMessage
	}
	err = q.NewRaw(`SELECT DISTINCT ON (a.id) a.id, p.id AS printing_id, p.form->'Certificates'->(a.n - 1)::int AS certificate
		FROM printings AS p CROSS JOIN unnest(p.applications) WITH ORDINALITY AS a (id, n)
		WHERE p.exam_id = ANY (?) AND p.fault IS NULL ORDER BY a.id, p.id DESC`, pgdialect.Array(examIDs)).Scan(ctx, &rows)
	if err != nil {
		return nil, explain(err)
	}
	printed := make(map[int64]int, len(rows))
	for i := range rows {
		printed[rows[i].ID] = i
	}
	out := make([]service.PrintedForm, 0, len(list))
	for i := range list {
		f := service.PrintedForm{Application: list[i]}
		if at, ok := printed[list[i].ID]; ok {
			f.PrintingID = rows[at].PrintingID
			if err := json.Unmarshal(rows[at].Certificate, &f.Certificate); err != nil {
				return nil, fmt.Errorf("certificate in printing %d: %w", f.PrintingID, err)
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// PrintedProfiles implements service.ScanBatchQueries.
func (q queries) PrintedProfiles(ctx context.Context, printingIDs []int64) (map[int64]service.BlankProfile, error) {
	var rows []struct {
		ID      int64
		Profile json.RawMessage
	}
	err := q.NewRaw(`SELECT id, form->'Profile' AS profile FROM printings WHERE id = ANY (?)`, pgdialect.Array(printingIDs)).Scan(ctx, &rows)
	if err != nil {
		return nil, explain(err)
	}
	out := make(map[int64]service.BlankProfile, len(rows))
	for _, r := range rows {
		var p service.BlankProfile
		if err := json.Unmarshal(r.Profile, &p); err != nil {
			return nil, fmt.Errorf("profile of printing %d: %w", r.ID, err)
		}
		out[r.ID] = p
	}
	return out, nil
}

// QuestionsOf implements service.ScanBatchQueries.
func (q queries) QuestionsOf(ctx context.Context, examID int64) ([]service.ScanPage, error) {
	var out []service.ScanPage
	err := q.NewSelect().Model(&out).Where("exam_id = ?", examID).Where("state = 'question'").Order("id").Scan(ctx)
	return out, explain(err)
}

// TakenOff implements service.ScanBatchQueries.
func (q queries) TakenOff(ctx context.Context, examID, batchID int64) ([]service.Application, error) {
	var out []service.Application
	err := q.NewSelect().Model(&out).Where(`id IN (
		SELECT p.application_id FROM scan_pages AS p JOIN scan_pages AS other ON other.id = p.twin_id
		WHERE p.exam_id = ? AND p.state = 'question' AND other.batch_id = ?
			AND EXISTS (SELECT 1 FROM history AS h WHERE h.subject = ? AND h.subject_id = p.id AND h.event = ? AND h.from_status = ?))`,
		examID, batchID, service.SubjectPage, service.PageEventAsk, service.PageMatched).Order("last_name", "first_name", "id").Scan(ctx)
	return out, explain(err)
}

// PagesOfExam implements service.ScanBatchQueries.
func (q queries) PagesOfExam(ctx context.Context, examID int64, limit int) ([]service.ScanPage, error) {
	var out []service.ScanPage
	err := q.NewSelect().Model(&out).Where("exam_id = ?", examID).Order("file_id", "number").Limit(int64(limit)).Scan(ctx)
	return out, explain(err)
}

// InsertScanBatch implements service.ScanBatchCommands.
func (t tx) InsertScanBatch(ctx context.Context, b *service.ScanBatch) error {
	_, err := t.NewInsert().Model(b).Returning("id").Exec(ctx)
	return explain(err)
}

// ScanBatchForUpdate implements service.ScanBatchCommands. Rows that refer to the
// batch are not held up.
func (t tx) ScanBatchForUpdate(ctx context.Context, id int64) (*service.ScanBatch, error) {
	b := new(service.ScanBatch)
	if err := t.NewSelect().Model(b).Where("id = ?", id).For("NO KEY UPDATE").Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return b, nil
}

// SaveScanBatch implements service.ScanBatchCommands.
func (t tx) SaveScanBatch(ctx context.Context, b *service.ScanBatch) error {
	res, err := t.NewUpdate().Model(b).WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "scan batch", b.ID)
}

// InsertScanFile implements service.ScanBatchCommands.
func (t tx) InsertScanFile(ctx context.Context, f *service.ScanFile) (bool, error) {
	res, err := t.NewInsert().Model(f).On("CONFLICT (update_id) WHERE update_id <> 0 DO NOTHING").Returning("id").Exec(ctx)
	if err != nil {
		return false, explain(err)
	}
	n, err := res.RowsAffected()
	if err != nil || n == 1 {
		return n == 1, explain(err)
	}
	first := new(service.ScanFile)
	if err := t.NewSelect().Model(first).Where("update_id = ?", f.UpdateID).Where("update_id <> 0").Scan(ctx); err != nil {
		return false, explain(err)
	}
	*f = *first
	return false, nil
}

// SaveScanFile implements service.ScanBatchCommands.
func (t tx) SaveScanFile(ctx context.Context, f *service.ScanFile) error {
	res, err := t.NewUpdate().Model(f).WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "scan file", f.ID)
}

// SaveScanFileContent implements service.ScanBatchCommands.
func (t tx) SaveScanFileContent(ctx context.Context, id int64, sha string, size int64) error {
	res, err := t.NewRaw(`UPDATE scan_files SET file_sha = ?, size = ? WHERE id = ?`, sha, size, id).Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "scan file", id)
}

// SaveScanFilePages implements service.ScanBatchCommands.
func (t tx) SaveScanFilePages(ctx context.Context, id int64, pages int) error {
	res, err := t.NewRaw(`UPDATE scan_files SET pages = ? WHERE id = ?`, pages, id).Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "scan file", id)
}

// InsertScanPage implements service.ScanBatchCommands.
func (t tx) InsertScanPage(ctx context.Context, p *service.ScanPage) (bool, error) {
	res, err := t.NewInsert().Model(p).On("CONFLICT (file_id, number) DO NOTHING").Returning("id").Exec(ctx)
	if err != nil {
		return false, explain(err)
	}
	n, err := res.RowsAffected()
	return n == 1, explain(err)
}

// ScanPageForUpdate implements service.ScanBatchCommands. Rows that refer to the
// page are not held up.
func (t tx) ScanPageForUpdate(ctx context.Context, id int64) (*service.ScanPage, error) {
	p := new(service.ScanPage)
	if err := t.NewSelect().Model(p).Where("id = ?", id).For("NO KEY UPDATE").Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return p, nil
}

// PagesToSettle implements service.ScanBatchCommands.
func (t tx) PagesToSettle(ctx context.Context, batchID int64) ([]service.ScanPage, error) {
	var out []service.ScanPage
	err := t.NewSelect().Model(&out).Where("batch_id = ?", batchID).Where("state = 'read'").
		Order("id").For("NO KEY UPDATE").Scan(ctx)
	return out, explain(err)
}

// PagesToCancel implements service.ScanBatchCommands.
func (t tx) PagesToCancel(ctx context.Context, batchID int64) ([]service.ScanPage, error) {
	var out []service.ScanPage
	err := t.NewSelect().Model(&out).ExcludeColumn("evidence").Where("batch_id = ?", batchID).Where("state IN ('waiting', 'read')").
		Order("id").For("NO KEY UPDATE").Scan(ctx)
	return out, explain(err)
}

// CancelScanPages implements service.ScanBatchCommands.
func (t tx) CancelScanPages(ctx context.Context, ids []int64, personID int64, at time.Time) error {
	_, err := t.NewRaw(`UPDATE scan_pages SET state = 'cancelled', rule = CASE WHEN rule IN (?) THEN rule ELSE ? END,
			decided_by = ?, decided_at = ?, revision = revision + 1
		WHERE id = ANY (?)`, bun.List(service.EntryRules), service.PageRuleCancelled, personID, at, pgdialect.Array(ids)).Exec(ctx)
	return explain(err)
}

// SaveScanPage implements service.ScanBatchCommands.
func (t tx) SaveScanPage(ctx context.Context, p *service.ScanPage) error {
	res, err := t.NewUpdate().Model(p).WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "scan page", p.ID)
}

// HoldDelivery implements service.ScanBatchCommands. A sender passes held notices
// over, and asks once more what is due after it has claimed one.
func (t tx) HoldDelivery(ctx context.Context, personID int64, key string) (service.NoticeState, error) {
	var states []service.NoticeState
	err := t.NewRaw(`SELECT state FROM notices WHERE person_id = ? AND key = ? AND state IN ('queued', 'sending') FOR UPDATE`,
		personID, key).Scan(ctx, &states)
	if err != nil {
		return "", explain(err)
	}
	if slices.Contains(states, service.NoticeSending) {
		return service.NoticeSending, nil
	}
	lost, err := t.NoticeLost(ctx, personID, key)
	if err != nil || !lost {
		return "", err
	}
	return service.NoticeUnknown, nil
}

// FreeBlank implements service.ScanBatchCommands: a blank of which nothing became
// has no row.
func (t tx) FreeBlank(ctx context.Context, id int64) error {
	res, err := t.NewDelete().Model((*service.Blank)(nil)).Where("id = ?", id).Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "blank", id)
}
