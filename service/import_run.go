package service

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"
)

// importRun is one import inside its transaction: plan asks and decides, write
// changes.
type importRun struct {
	tx     Tx
	by     Actor
	at     time.Time
	file   *importFile
	known  *importKnown
	report ImportReport
	parts  []importPart
	today  map[int64]Day // in the zones of centers
}

// importPart is one subject of an import.
type importPart interface {
	// plan finds out what each row means, from what the database holds now.
	plan(ctx context.Context) error
	// write makes what was planned so.
	write(ctx context.Context) error
}

// plan plans the parts one after another: a later one may speak of what an
// earlier one brings. Centers are held before cohorts, these before exams.
func (r *importRun) plan(ctx context.Context, by Actor) error {
	var err error
	if err := r.tx.LockImports(ctx); err != nil {
		return fmt.Errorf("wait for other imports: %w", err)
	}
	if r.by, err = importActor(ctx, r.tx, by); err != nil {
		return err
	}
	if err := mayImport(r.by); err != nil {
		return err
	}
	for _, t := range r.file.taken { // a sheet without rows does no harm
		if t.first > 0 && !t.kind.may(r.by) {
			r.report.bad(t.place, BadCell{Row: t.first}, refuse(Invalid, ReasonImportForbidden))
		}
	}
	r.parts = []importPart{&importCenters{importRun: r}, &importCohorts{importRun: r}, &importExams{importRun: r}, &importCalendar{importRun: r}}
	for _, p := range r.parts {
		if err := p.plan(ctx); err != nil {
			return err
		}
	}
	r.report.close()
	return nil
}

// write makes what was planned so.
func (r *importRun) write(ctx context.Context) error {
	for _, p := range r.parts {
		if err := p.write(ctx); err != nil {
			return err
		}
	}
	return nil
}

// mayImport refuses those who may import nothing.
func mayImport(by Actor) error {
	if len(kindNames(by)) == 0 {
		return refuse(Forbidden, ReasonForbidden)
	}
	return nil
}

// bad writes down a cell that is bad for a reason without facts.
func (r *importRun) bad(at sheetPlace, row int, column string, reason Reason) {
	r.report.bad(at, BadCell{Row: row, Column: column}, refuse(Invalid, reason))
}

// counts is where the rows of a sheet are counted.
func (r *importRun) counts(at sheetPlace) *SheetReport { return &r.report.Sheets[at.index] }

// orgsNamed finds organisations of a kind by name and by INN.
func (r *importRun) orgsNamed(ctx context.Context, kind OrgKind, names iter.Seq[string]) (map[string]Org, error) {
	asked := map[string]bool{}
	for name := range names {
		asked[name] = true
	}
	out := make(map[string]Org, len(asked))
	if len(asked) == 0 {
		return out, nil
	}
	found, err := r.tx.OrgsNamed(ctx, kind, slices.Sorted(maps.Keys(asked)))
	if err != nil {
		return nil, fmt.Errorf("find organisations: %w", err)
	}
	for _, o := range found {
		if o.INN != "" {
			out[o.INN] = o
		}
	}
	for _, o := range found {
		out[o.Name] = o
	}
	return out, nil
}

// merged is the known row with the columns that the file has.
func merged[T any](columns []sheetColumn[T], has []bool, now, row *T) T {
	want := *now
	for i, c := range columns {
		if has[i] {
			c.keep(row, &want)
		}
	}
	return want
}

// importActor reads the rights of the sender as they stand now. The command
// line is an admin without a person.
func importActor(ctx context.Context, q Queries, by Actor) (Actor, error) {
	if by.PersonID == CommandLine.PersonID {
		return by, nil
	}
	now, err := q.ActorByID(ctx, by.PersonID)
	var refusal *Error
	if errors.As(err, &refusal) && refusal.Kind == NotFound {
		return Actor{}, refuse(Forbidden, ReasonForbidden)
	}
	return now, err
}
