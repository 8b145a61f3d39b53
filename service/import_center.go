package service

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// centerKind is the sheet «Центры».
var centerKind = rowKind[centerRow]{
	name: sheetCenters, may: ofCenters, columns: centerColumns,
	key: columnCenter, number: func(r *centerRow) string { return r.center },
	place: func(f *importFile) *importSheet[centerRow] { return &f.centers },
}

// eventImport is the step of a center's history that an import writes; its
// comment is the columns that changed.
const eventImport = "import"

// importCenters is what an import does with the data of testing centres.
type importCenters struct {
	*importRun
	changed []Center
	changes [][]string // columns, of each of changed
}

func (r *importCenters) plan(ctx context.Context) error {
	sheet := &r.file.centers
	if len(sheet.rows) == 0 || !ofCenters(r.by) {
		return nil
	}
	orgs, err := r.centersNamed(ctx, func(yield func(string) bool) {
		for _, row := range sheet.rows {
			if !yield(row.value.center) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	held, err := r.hold(ctx, orgs)
	if err != nil {
		return err
	}
	counts := r.counts(sheet.sheetPlace)
	seen := map[int64]int{}
	for _, row := range sheet.rows {
		bad := func(column string, reason Reason) { r.bad(sheet.sheetPlace, row.number, column, reason) }
		org, ok := orgs[row.value.center]
		if !ok {
			if row.value.center != "" {
				bad(columnCenter, ReasonImportNoCenter)
			}
			continue
		}
		first, again := seen[org.ID]
		if again && !row.bad {
			r.report.bad(sheet.sheetPlace, BadCell{Row: row.number, Column: columnCenter}, refuseWith(Invalid, ReasonImportCenterTwice, ImportRow{first}))
		} else {
			seen[org.ID] = row.number
		}
		code, names, err := r.profile(ctx, org.ID, row.value.BlankProfile)
		if err != nil {
			return err
		}
		if names != nil {
			r.report.bad(sheet.sheetPlace, BadCell{Row: row.number, Column: columnProfile}, refuseWith(Invalid, ReasonImportNoProfile, names))
		}
		if again || row.bad || names != nil {
			continue
		}
		row.value.BlankProfile, row.value.center = code, org.Name
		known := held[org.ID]
		now := centerRow{*known, org.Name}
		want := merged(centerColumns, sheet.has, &now, &row.value)
		diff := differing(centerColumns, &now, &want)
		switch {
		case len(diff) == 0:
			counts.Unchanged++
			continue
		case known.Revision == 0:
			counts.New++
		default:
			counts.Changed++
		}
		want.Revision++
		r.changed, r.changes = append(r.changed, want.Center), append(r.changes, diff)
	}
	return nil
}

// hold loads the centers and holds them, in the order of their ids.
func (r *importCenters) hold(ctx context.Context, orgs map[string]Org) (map[int64]*Center, error) {
	var ids []int64
	for _, o := range orgs {
		ids = append(ids, o.ID)
	}
	slices.Sort(ids)
	out := map[int64]*Center{}
	for _, id := range slices.Compact(ids) {
		c, err := r.tx.CenterForUpdate(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("center %d: %w", id, err)
		}
		out[id] = c
	}
	return out, nil
}

// profile finds the code of a blank profile that a center can choose, by its code
// or name. Of one that it cannot, it returns the names of those that it can.
func (r *importCenters) profile(ctx context.Context, centerID int64, text string) (code string, known []string, err error) {
	if text == "" {
		return "", nil, nil
	}
	own, err := r.tx.OwnProfiles(ctx, centerID)
	if err != nil {
		return "", nil, fmt.Errorf("profiles of center %d: %w", centerID, err)
	}
	all := slices.Clone(r.known.Profiles)
	for _, p := range own {
		all = append(all, BlankProfile{Code: p.Code, Name: p.Name})
	}
	known = []string{}
	for _, p := range all {
		if fold(text) == fold(p.Code) || fold(text) == fold(p.Name) {
			return p.Code, nil, nil
		}
		known = append(known, p.Name)
	}
	return "", known, nil
}

func (r *importCenters) write(ctx context.Context) error {
	for i := range r.changed {
		c := &r.changed[i]
		if err := r.tx.SaveCenter(ctx, c); err != nil {
			return fmt.Errorf("change center %d: %w", c.OrgID, err)
		}
		err := r.tx.AddHistory(ctx, History{
			Subject: SubjectCenter, SubjectID: c.OrgID, At: r.at, PersonID: r.by.PersonID,
			Event: eventImport, Comment: strings.Join(r.changes[i], ", "),
		})
		if err != nil {
			return fmt.Errorf("history of center %d: %w", c.OrgID, err)
		}
	}
	return nil
}

// ofCenters reports whether the actor loads the sheets of testing centres.
func ofCenters(by Actor) bool { return by.Has(RoleAdmin) || by.Has(RoleCenterStaff) }

// sees reports whether the sender may know what a center has.
func (r *importRun) sees(centerID int64) bool {
	return r.by.Has(RoleAdmin) || r.by.In(RoleCenterStaff, centerID)
}

// centersNamed finds the centers that the sender may act for by name and by INN.
func (r *importRun) centersNamed(ctx context.Context, names iter.Seq[string]) (map[string]Org, error) {
	orgs, err := r.orgsNamed(ctx, OrgCenter, names)
	if err != nil {
		return nil, err
	}
	for name, o := range orgs {
		if !r.sees(o.ID) {
			delete(orgs, name)
		}
	}
	return orgs, nil
}

// todayIn is the day that it is in the zone of a center.
func (r *importRun) todayIn(ctx context.Context, centerID int64) (Day, error) {
	if day, ok := r.today[centerID]; ok {
		return day, nil
	}
	org, err := r.tx.Org(ctx, centerID)
	if err != nil {
		return Day{}, fmt.Errorf("organisation %d: %w", centerID, err)
	}
	loc, err := org.Location()
	if err != nil {
		return Day{}, err
	}
	if r.today == nil {
		r.today = map[int64]Day{}
	}
	r.today[centerID] = DayOf(r.at, loc)
	return r.today[centerID], nil
}
