package db

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/uptrace/bun"

	"flowbot/service"
)

var (
	_ service.ScanQuestionQueries  = queries{}
	_ service.ScanQuestionCommands = tx{}
)

// How many pages stand up to a page in its entry of an archive, or in its file, and
// how many there are.
const (
	placeOf = `CASE page.name WHEN '' THEN page.number ELSE
		(SELECT count(*) FROM scan_pages AS e WHERE e.file_id = page.file_id AND e.name = page.name AND e.number <= page.number) END`
	placesOf = `CASE page.name WHEN '' THEN file.pages ELSE
		(SELECT count(*) FROM scan_pages AS e WHERE e.file_id = page.file_id AND e.name = page.name) END`
)

// pageLines selects pages with what a list says of them.
const pageLines = `
	SELECT page.*, file.name AS file, ` + placeOf + ` AS place, ` + placesOf + ` AS places, coalesce(a.number, '') AS application,
		concat_ws(' ', a.last_name, a.first_name) AS owner, coalesce(p.name, '') AS by,
		coalesce(batch.exam_id, page.exam_id, 0) AS asked_in
	FROM scan_pages AS page JOIN scan_files AS file ON file.id = page.file_id
	JOIN scan_batches AS batch ON batch.id = page.batch_id
	LEFT JOIN applications AS a ON a.id = page.application_id
	LEFT JOIN people AS p ON p.id = page.decided_by `

// PageLine implements service.ScanQuestionQueries.
func (q queries) PageLine(ctx context.Context, id int64) (*service.ScanPageLine, error) {
	l := new(service.ScanPageLine)
	if err := q.NewRaw(pageLines+`WHERE page.id = ?`, id).Scan(ctx, l); err != nil {
		return nil, explain(err)
	}
	return l, nil
}

// PageLines implements service.ScanQuestionQueries.
func (q queries) PageLines(ctx context.Context, batchID int64, states []service.PageState, offset, limit int) ([]service.ScanPageLine, error) {
	var out []service.ScanPageLine
	err := q.NewRaw(pageLines+`WHERE page.batch_id = ? AND page.state IN (?)
		ORDER BY page.file_id, page.number OFFSET ? LIMIT ?`, batchID, bun.List(states), offset, limit).Scan(ctx, &out)
	return out, explain(err)
}

// PageLinesCount implements service.ScanQuestionQueries.
func (q queries) PageLinesCount(ctx context.Context, batchID int64, states []service.PageState) (int, error) {
	var n int
	err := q.NewRaw(`SELECT count(*) FROM scan_pages WHERE batch_id = ? AND state IN (?)`, batchID, bun.List(states)).Scan(ctx, &n)
	return n, explain(err)
}

// QuestionCount implements service.ScanQuestionQueries.
func (q queries) QuestionCount(ctx context.Context, examID, pageID int64) (service.QuestionCount, error) {
	var out service.QuestionCount
	err := q.NewRaw(`
		SELECT count(*) AS count, CASE WHEN bool_or(id = ?1) THEN count(*) FILTER (WHERE id <= ?1) ELSE 0 END AS place,
			(SELECT count(*) FROM scan_pages WHERE exam_id = ?0 AND state IN ('waiting', 'read')) AS reading
		FROM scan_pages WHERE exam_id = ?0 AND state = 'question'`, examID, pageID).Scan(ctx, &out)
	return out, explain(err)
}

// QuestionsAfter implements service.ScanQuestionQueries.
func (q queries) QuestionsAfter(ctx context.Context, examID, after int64, limit int) ([]int64, error) {
	var out []int64
	err := q.NewRaw(`SELECT id FROM scan_pages WHERE exam_id = ? AND state = 'question'
		ORDER BY id <= ?, id LIMIT ?`, examID, after, limit).Scan(ctx, &out)
	return out, explain(err)
}

// QuestionPages implements service.ScanQuestionQueries.
func (q queries) QuestionPages(ctx context.Context, examID int64, limit int) ([]service.ScanPage, error) {
	var out []service.ScanPage
	err := q.NewSelect().Model(&out).ExcludeColumn("evidence").
		Where("exam_id = ? AND state = ?", examID, service.PageQuestion).Order("id").Limit(int64(limit)).Scan(ctx)
	return out, explain(err)
}

// QuestionOfBatch implements service.ScanQuestionQueries.
func (q queries) QuestionOfBatch(ctx context.Context, examID, batchID int64) (int64, error) {
	var id int64
	err := q.NewRaw(`SELECT coalesce(min(id), 0) FROM scan_pages
		WHERE exam_id = ? AND state = 'question' AND batch_id = ?`, examID, batchID).Scan(ctx, &id)
	return id, explain(err)
}

// LastDecided implements service.ScanQuestionQueries.
func (q queries) LastDecided(ctx context.Context, examID, personID int64, since time.Time) (*service.ScanPageLine, error) {
	l := new(service.ScanPageLine)
	err := q.NewRaw(pageLines+`WHERE page.id IN (
			SELECT id FROM scan_pages WHERE exam_id = ?0
			UNION ALL SELECT p.id FROM scan_pages AS p JOIN scan_batches AS b ON b.id = p.batch_id WHERE b.exam_id = ?0 AND p.exam_id <> ?0)
		AND page.decided_by = ?1 AND page.decided_at >= ?2
		AND (page.state = 'aside' OR page.state = 'matched' AND a.scan_id = page.scan_id AND a.delivered_at IS NULL)
		ORDER BY page.decided_at DESC, page.id DESC LIMIT 1`, examID, personID, since).Scan(ctx, l)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // nothing was decided, which is no error
	}
	if err != nil {
		return nil, explain(err)
	}
	return l, nil
}

// QuestionApplications implements service.ScanQuestionQueries. A text of digits
// and separators is looked for in the digits of a number, so that its last ones
// are enough.
func (q queries) QuestionApplications(ctx context.Context, examID int64, text string, offset, limit int) ([]service.Application, error) {
	var out []service.Application
	sel := q.NewSelect().Model(&out).Apply(applicationsOf).
		Where("application.exam_id = ? AND application.registration_number <> ''", examID).
		Where("application.outcome = ? AND application.violations = ?", service.OutcomePassed, service.ViolationsNone).
		WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			q = q.Where(`translate(concat_ws(' ', application.last_name, application.first_name, application.middle_name, application.number,
				application.registration_number, application.last_name_latin, application.first_name_latin, application.middle_name_latin),
				'Ёё', 'Ее') ILIKE translate(?, 'Ёё', 'Ее')`, "%"+startsWith(text))
			if digits := onlyDigits(text); digits != "" {
				q = q.WhereOr(`regexp_replace(application.registration_number, '\D', '', 'g') LIKE ?`, "%"+digits)
			}
			return q
		}).
		OrderExpr("application.last_name, application.first_name, application.id").Offset(int64(offset)).Limit(int64(limit))
	err := sel.Scan(ctx)
	return out, explain(err)
}

// onlyDigits are the digits of a text that has nothing but them and what stands
// between them, else "".
func onlyDigits(text string) string {
	foreign := strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsDigit(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.Pd, r) && r != '.' && r != '…'
	})
	if foreign {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// SavePageView implements service.ScanQuestionCommands.
func (t tx) SavePageView(ctx context.Context, pageID int64, view, lines string) error {
	_, err := t.NewRaw(`UPDATE scan_pages SET view_sha = nullif(?, ''), lines_sha = nullif(?, '') WHERE id = ?`, view, lines, pageID).Exec(ctx)
	return explain(err)
}
