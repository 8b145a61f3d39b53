package db

import (
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"flowbot/service"
)

// Classes of PostgreSQL errors. Source: PostgreSQL 15, appendix A.
const (
	codeSerialization = "40001"
	codeDeadlock      = "40P01"
)

// reasons says in the service's words what a broken constraint means. Only
// constraints that a race can break are here; breaking another is our fault.
var reasons = map[string]service.Error{
	"orgs_kind_name":                   {Kind: service.Conflict, Reason: service.ReasonOrgExists},
	"orgs_kind_inn":                    {Kind: service.Conflict, Reason: service.ReasonOrgINNTaken},
	"applications_registration_number": {Kind: service.Conflict, Reason: service.ReasonFrdoTaken},
	"orgs_one_operator":                {Kind: service.Conflict, Reason: service.ReasonOrgOneOperator},

	"blanks_once": {Kind: service.Invalid, Reason: service.ReasonBlankUsed},
}

// explain turns a driver's error into the service's, once, at the border.
func explain(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return &service.Error{Kind: service.NotFound, Reason: service.ReasonNotFound, Err: err}
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		if e, ok := reasons[pg.ConstraintName]; ok {
			e.Err = err
			return &e
		}
	}
	return err
}

// lostRace reports whether err ended a transaction that may succeed when it is
// run again.
func lostRace(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == codeSerialization || pg.Code == codeDeadlock)
}
