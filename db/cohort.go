package db

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"flowbot/service"
)

var (
	_ service.CohortQueries  = queries{}
	_ service.CohortCommands = tx{}
)

// seesCohort keeps the cohorts that the actor may see.
func seesCohort(by service.Actor) func(*bun.SelectQuery) *bun.SelectQuery {
	return seesPartner(by, "cohort.partner_id")
}

// seesPartner keeps the rows of partners whose papers the actor may see: the
// partner's representatives, the operator's, admins. The column names the partner.
func seesPartner(by service.Actor, column bun.Ident) func(*bun.SelectQuery) *bun.SelectQuery {
	return seesOf(by, column, service.RolePartnerRep, service.RoleAdmin, service.RoleOperatorRep)
}

// seesOf keeps the rows of organisations whose papers the actor may see, by the
// memberships that stand now: who is inside the organisation that the column
// names, and who sees everywhere. The command line has no person and no
// membership: who can run it owns the database.
func seesOf(by service.Actor, column bun.Ident, inside service.Role, everywhere ...service.Role) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(q *bun.SelectQuery) *bun.SelectQuery {
		if isCommandLine(by) {
			return q
		}
		return q.Where(`EXISTS (
			SELECT 1 FROM memberships AS m
			WHERE m.person_id = ? AND m.removed_at IS NULL
			  AND (m.role IN (?) OR (m.role = ? AND m.org_id = ?)))`,
			by.PersonID, bun.List(everywhere), inside, column)
	}
}

// isCommandLine tells the admin who has no person, the actor of the program's
// own commands, and the program itself. No chat can produce either, an update
// always has a sender.
func isCommandLine(by service.Actor) bool {
	return by.IsSystem() || by.PersonID == 0 && by.Has(service.RoleAdmin)
}

// Cohort implements service.CohortQueries.
func (q queries) Cohort(ctx context.Context, by service.Actor, id int64) (*service.Cohort, error) {
	c := new(service.Cohort)
	err := q.NewSelect().Model(c).Where("cohort.id = ?", id).Apply(seesCohort(by)).Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return c, nil
}

// CohortByNumber implements service.CohortQueries.
func (q queries) CohortByNumber(ctx context.Context, by service.Actor, number string) (*service.Cohort, error) {
	c := new(service.Cohort)
	err := q.NewSelect().Model(c).Where("cohort.number = ?", number).Apply(seesCohort(by)).Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return c, nil
}

// documented is service.Learner.Documented in SQL, to the letter of the index
// learners_eligible, which it must imply.
const documented = `finished AND document_type IS NOT NULL AND document_number <> ''
	AND registration_number <> '' AND document_on IS NOT NULL`

// eligible is service.Learner.Eligible in SQL.
const eligible = `act_id IS NULL AND ` + documented

// EligibleLearners implements service.CohortQueries.
func (q queries) EligibleLearners(ctx context.Context, cohortID int64) ([]int64, error) {
	var ids []int64
	err := q.NewSelect().Model((*service.Learner)(nil)).Column("id").
		Where("cohort_id = ?", cohortID).Where(eligible).
		Order("last_name", "first_name", "id").
		Scan(ctx, &ids)
	return ids, explain(err)
}

// EligibleCount implements service.CohortQueries.
func (q queries) EligibleCount(ctx context.Context, cohortID int64) (int, error) {
	n, err := q.NewSelect().Model((*service.Learner)(nil)).
		Where("cohort_id = ?", cohortID).Where(eligible).Count(ctx)
	return int(n), explain(err)
}

// LearnersPage implements service.CohortQueries.
func (q queries) LearnersPage(ctx context.Context, cohortID, actID int64, offset, limit int) ([]service.Learner, error) {
	var out []service.Learner
	s := q.NewSelect().Model(&out).Where("cohort_id = ?", cohortID)
	if actID == 0 {
		s = s.Where(eligible)
	} else {
		s = s.Where("(act_id = ? OR ("+eligible+"))", actID)
	}
	err := s.Order("last_name", "first_name", "id").Offset(int64(offset)).Limit(int64(limit)).Scan(ctx)
	return out, explain(err)
}

// ActLearners implements service.CohortQueries.
func (q queries) ActLearners(ctx context.Context, actID int64) ([]service.Learner, error) {
	var out []service.Learner
	err := q.NewSelect().Model(&out).Where("act_id = ?", actID).
		Order("last_name", "first_name", "id").Scan(ctx)
	return out, explain(err)
}

// CohortForUpdate implements service.CohortCommands.
func (t tx) CohortForUpdate(ctx context.Context, by service.Actor, id int64) (*service.Cohort, error) {
	c := new(service.Cohort)
	err := t.NewSelect().Model(c).Where("cohort.id = ?", id).Apply(seesCohort(by)).For("UPDATE").Scan(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return c, nil
}

// SaveCohort implements service.CohortCommands.
func (t tx) SaveCohort(ctx context.Context, c *service.Cohort) error {
	res, err := t.NewUpdate().Model(c).ExcludeColumn("created_at", "updated_at").
		Set("updated_at = now()").WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "cohort", c.ID)
}

// LearnersForUpdate implements service.CohortCommands. They come by name, and
// are locked by id, so that two callers cannot wait for each other.
func (t tx) LearnersForUpdate(ctx context.Context, cohortID int64, ids []int64) ([]service.Learner, error) {
	var out []service.Learner
	if len(ids) == 0 {
		return out, nil
	}
	err := t.NewRaw(`
		WITH held AS (
			SELECT * FROM learners
			WHERE cohort_id = ? AND id = ANY (?)
			ORDER BY id
			FOR UPDATE
		)
		SELECT * FROM held ORDER BY last_name, first_name, id`,
		cohortID, pgdialect.Array(ids)).Scan(ctx, &out)
	return out, explain(err)
}

// SetLearnersAct implements service.CohortCommands. A learner who stands in
// another act by now is a Conflict: nobody is taken out of an act silently.
func (t tx) SetLearnersAct(ctx context.Context, actID int64, ids []int64) error {
	if ids == nil {
		ids = []int64{} // a nil array is NULL, and nothing differs from NULL
	}
	_, err := t.NewUpdate().Model((*service.Learner)(nil)).
		Set("act_id = NULL, revision = revision + 1, updated_at = now()").
		Where("act_id = ?", actID).Where("id <> ALL (?)", pgdialect.Array(ids)).
		Exec(ctx)
	if err != nil {
		return explain(err)
	}
	if len(ids) == 0 {
		return nil
	}
	_, err = t.NewUpdate().Model((*service.Learner)(nil)).
		Set("act_id = ?, revision = revision + 1, updated_at = now()", actID).
		Where("act_id IS NULL").Where("id = ANY (?)", pgdialect.Array(ids)).
		Exec(ctx)
	if err != nil {
		return explain(err)
	}
	stand, err := t.NewSelect().Model((*service.Learner)(nil)).
		Where("act_id = ?", actID).Where("id = ANY (?)", pgdialect.Array(ids)).Count(ctx)
	if err != nil {
		return explain(err)
	}
	if int(stand) != len(ids) {
		return &service.Error{
			Kind: service.Conflict, Reason: service.ReasonMovedOn,
			Err: fmt.Errorf("act %d: %d of %d learners can stand in it", actID, stand, len(ids)),
		}
	}
	return nil
}

// oneRow refuses a change that found no row of its own.
func oneRow(res interface{ RowsAffected() (int64, error) }, what string, id int64) error {
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("%s %d: %w", what, id, err)
	}
	if n != 1 {
		return &service.Error{
			Kind: service.NotFound, Reason: service.ReasonNotFound,
			Err: fmt.Errorf("%s %d: %d rows", what, id, n),
		}
	}
	return nil
}
