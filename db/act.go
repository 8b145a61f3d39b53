package db

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"flowbot/service"
)

var (
	_ service.ActQueries  = queries{}
	_ service.ActCommands = tx{}
)

// seesAct keeps the acts that the actor may see: an act's partner is that of its
// cohort.
func seesAct(by service.Actor) func(*bun.SelectQuery) *bun.SelectQuery {
	return seesPartner(by, "act.partner_id")
}

// Act implements service.ActQueries.
func (q queries) Act(ctx context.Context, by service.Actor, id int64) (*service.Act, error) {
	a := new(service.Act)
	if err := q.NewSelect().Model(a).Where("act.id = ?", id).Apply(seesAct(by)).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return a, nil
}

// ActByNumber implements service.ActQueries.
func (q queries) ActByNumber(ctx context.Context, by service.Actor, number string) (*service.Act, error) {
	a := new(service.Act)
	err := q.NewSelect().Model(a).Where("act.number = ?", number).Apply(seesAct(by)).Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return a, nil
}

// ActsOfCohort implements service.ActQueries. Acts are numbered as they are
// made, so the order of ids is that of numbers.
func (q queries) ActsOfCohort(ctx context.Context, cohortID int64) ([]service.Act, error) {
	var out []service.Act
	err := q.NewSelect().Model(&out).Where("cohort_id = ?", cohortID).Order("id").Scan(ctx)
	return out, explain(err)
}

// ActVersion implements service.ActQueries.
func (q queries) ActVersion(ctx context.Context, actID int64, version int) (*service.ActVersion, error) {
	v := new(service.ActVersion)
	err := q.NewSelect().Model(v).Where("act_id = ?", actID).Where("version = ?", version).Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return v, nil
}

// Journal implements service.ActQueries.
func (q queries) Journal(ctx context.Context, cohortID int64, version int) (*service.Journal, error) {
	j := new(service.Journal)
	err := q.NewSelect().Model(j).Where("cohort_id = ?", cohortID).Where("version = ?", version).Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return j, nil
}

// Journals implements service.ActQueries.
func (q queries) Journals(ctx context.Context, cohortID int64) ([]service.Journal, error) {
	var out []service.Journal
	err := q.NewSelect().Model(&out).Where("cohort_id = ?", cohortID).Order("version").Scan(ctx)
	return out, explain(err)
}

// JournalFiles implements service.ActQueries.
func (q queries) JournalFiles(ctx context.Context, journalID int64) ([]service.JournalFile, error) {
	var out []service.JournalFile
	err := q.NewSelect().Model(&out).ColumnExpr("journal_file.*, f.size").
		Join("JOIN files AS f ON f.sha256 = journal_file.file_sha").
		Where("journal_file.journal_id = ?", journalID).
		OrderExpr("journal_file.kind = ? DESC, journal_file.position", service.KindJournal).
		Scan(ctx)
	return out, explain(err)
}

// ExpiredReviews implements service.ActQueries.
func (q queries) ExpiredReviews(ctx context.Context, takenBefore time.Time, limit int) ([]int64, error) {
	var ids []int64
	err := q.NewSelect().Model((*service.Act)(nil)).Column("id").
		Where("act.reviewer_id IS NOT NULL").
		Where(`(act.taken_at < ? OR NOT EXISTS (
			SELECT 1 FROM memberships AS m
			WHERE m.person_id = act.reviewer_id AND m.role = ? AND m.removed_at IS NULL))`,
			takenBefore, service.RoleOperatorRep).
		Order("act.taken_at", "act.id").Limit(int64(limit)).
		Scan(ctx, &ids)
	return ids, explain(err)
}

// DraftFiles implements service.ActQueries.
func (q queries) DraftFiles(ctx context.Context, personID, cohortID int64) ([]service.DraftFile, error) {
	var out []service.DraftFile
	s := q.NewSelect().Model(&out).
		Where("person_id = ?", personID).Where("state <> ?", service.DraftRemoved)
	if cohortID == 0 {
		s = s.Where("cohort_id IS NULL")
	} else {
		s = s.Where("cohort_id = ?", cohortID)
	}
	err := s.Order("id").Scan(ctx)
	return out, explain(err)
}

// DraftFile implements service.ActQueries.
func (q queries) DraftFile(ctx context.Context, id int64) (*service.DraftFile, error) {
	f := new(service.DraftFile)
	if err := q.NewSelect().Model(f).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return f, nil
}

// CohortOfAct implements service.ActCommands.
func (t tx) CohortOfAct(ctx context.Context, by service.Actor, actID int64) (int64, error) {
	var id int64
	err := t.NewSelect().Model((*service.Act)(nil)).Column("cohort_id").
		Where("act.id = ?", actID).Apply(seesAct(by)).Scan(ctx, &id)
	return id, explain(err)
}

// ActsForUpdate implements service.ActCommands.
func (t tx) ActsForUpdate(ctx context.Context, cohortID int64) ([]service.Act, error) {
	var out []service.Act
	err := t.NewSelect().Model(&out).Where("cohort_id = ?", cohortID).Order("id").For("UPDATE").Scan(ctx)
	return out, explain(err)
}

// InsertAct implements service.ActCommands.
func (t tx) InsertAct(ctx context.Context, a *service.Act) error {
	_, err := t.NewInsert().Model(a).Returning("id").Exec(ctx)
	return explain(err)
}

// SaveAct implements service.ActCommands.
func (t tx) SaveAct(ctx context.Context, a *service.Act) error {
	res, err := t.NewUpdate().Model(a).WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "act", a.ID)
}

// InsertActVersion implements service.ActCommands.
func (t tx) InsertActVersion(ctx context.Context, v service.ActVersion) error {
	_, err := t.NewInsert().Model(&v).Returning("NULL").Exec(ctx)
	return explain(err)
}

// SetActFile implements service.ActCommands.
func (t tx) SetActFile(ctx context.Context, actID int64, version int, sha256 string) error {
	res, err := t.NewUpdate().Model((*service.ActVersion)(nil)).
		Set("file_sha = ?", sha256).
		Where("act_id = ?", actID).Where("version = ?", version).Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "version of act", actID)
}

// InsertJournal implements service.ActCommands.
func (t tx) InsertJournal(ctx context.Context, j *service.Journal) error {
	_, err := t.NewInsert().Model(j).Returning("id").Exec(ctx)
	return explain(err)
}

// InsertJournalFiles implements service.ActCommands.
func (t tx) InsertJournalFiles(ctx context.Context, files []service.JournalFile) error {
	if len(files) == 0 {
		return nil
	}
	_, err := t.NewInsert().Model(&files).Returning("NULL").Exec(ctx)
	return explain(err)
}

// RejectJournal implements service.ActCommands.
func (t tx) RejectJournal(ctx context.Context, journalID, by int64, at time.Time, comment string) error {
	res, err := t.NewUpdate().Model((*service.Journal)(nil)).
		Set("rejected_by = ?, rejected_at = ?, comment = ?", by, at, comment).
		Where("id = ?", journalID).Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "journal", journalID)
}

// HoldDraftFiles implements service.ActCommands. The person's row stands for
// files that may not be there yet; rows that refer to it are not held up.
func (t tx) HoldDraftFiles(ctx context.Context, personID int64) error {
	var id int64
	err := t.NewSelect().Model((*service.Person)(nil)).Column("id").
		Where("id = ?", personID).For("NO KEY UPDATE").Scan(ctx, &id)
	return explain(err)
}

// DraftFileForUpdate implements service.ActCommands.
func (t tx) DraftFileForUpdate(ctx context.Context, id int64) (*service.DraftFile, error) {
	f := new(service.DraftFile)
	if err := t.NewSelect().Model(f).Where("id = ?", id).For("UPDATE").Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return f, nil
}

// KeptBefore implements service.ActCommands.
func (t tx) KeptBefore(ctx context.Context, personID, cohortID int64, version int) (bool, error) {
	return t.NewSelect().Model((*service.DraftFile)(nil)).
		Where("person_id = ?", personID).Where("cohort_id = ?", cohortID).
		Where("kept_version = ?", version).Exists(ctx)
}

// InsertDraftFile implements service.ActCommands. The update that changes
// nothing is what returns the row that is there already.
func (t tx) InsertDraftFile(ctx context.Context, f *service.DraftFile) error {
	q := t.NewInsert().Model(f).Returning("*")
	if f.UpdateID != 0 {
		q = q.On("CONFLICT (person_id, update_id) WHERE update_id <> 0 DO UPDATE").
			Set("update_id = EXCLUDED.update_id")
	}
	_, err := q.Exec(ctx)
	return explain(err)
}

// SaveDraftFile implements service.ActCommands.
func (t tx) SaveDraftFile(ctx context.Context, f *service.DraftFile) error {
	res, err := t.NewUpdate().Model(f).WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "draft file", f.ID)
}

// SetJournalSheet implements service.ActCommands.
func (t tx) SetJournalSheet(ctx context.Context, journalID int64, sha256 string) error {
	res, err := t.NewUpdate().Model((*service.Journal)(nil)).
		Set("sheet_sha = ?", sha256).Where("id = ?", journalID).Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "journal", journalID)
}
