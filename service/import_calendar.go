package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// calendarKind is the sheet «Календарь».
var calendarKind = importKind{
	name: sheetCalendar, may: func(by Actor) bool { return by.Has(RoleAdmin) }, take: takeCalendar,
}

// isCalendar knows a calendar year by the line that names the year. Remarks may
// stand before it.
func isCalendar(sh *Sheet) bool {
	for _, r := range sh.Rows {
		first := r.Cell(0)
		if strings.HasPrefix(first, "#") {
			continue
		}
		word, _, _ := strings.Cut(fold(first), " ")
		return word == wordYear
	}
	return false
}

// takeCalendar reads a calendar year: its text form, one word a cell or not.
func takeCalendar(f *importFile, sh *Sheet) (place sheetPlace, first int) {
	place = sheetPlace{sh.Name, len(f.report.Sheets)}
	f.report.Sheets = append(f.report.Sheets, SheetReport{Name: sheetCalendar})
	var b strings.Builder
	line := 1
	for _, r := range sh.Rows {
		for ; line < r.Number; line++ {
			b.WriteByte('\n')
		}
		cells := slices.Clone(r.Cells)
		if len(cells) > 0 {
			if d, ok := parseDay(cells[0], sh.Base1904); ok {
				cells[0] = d.Russian()
			}
		}
		b.WriteString(strings.TrimRight(strings.Join(cells, " "), " "))
	}
	y, err := ParseCalendarYear(b.String())
	if err != nil {
		row := 1
		if fault, ok := AsError(err).Data.(CalendarFault); ok && fault.Line > 0 {
			row = fault.Line
		}
		f.report.bad(place, BadCell{Row: row}, err)
		return place, 1
	}
	f.calendar, f.calendarAt = &y, place
	return place, 1
}

// importCalendar is the year of an import.
type importCalendar struct {
	*importRun
	save bool
}

func (r *importCalendar) plan(ctx context.Context) error {
	y := r.file.calendar
	if y == nil || !calendarKind.may(r.by) {
		return nil
	}
	years, err := r.tx.CalendarYears(ctx)
	if err != nil {
		return fmt.Errorf("read calendar years: %w", err)
	}
	counts := r.counts(r.file.calendarAt)
	at := slices.IndexFunc(years, func(known CalendarYear) bool { return known.Year == y.Year })
	switch {
	case at < 0:
		counts.New, r.save = 1, true
	case years[at].Text() == y.Text():
		counts.Unchanged = 1
	default:
		counts.Changed, r.save = 1, true
	}
	return nil
}

func (r *importCalendar) write(ctx context.Context) error {
	if !r.save {
		return nil
	}
	if err := r.tx.SaveCalendarYear(ctx, *r.file.calendar, r.by.PersonID, r.at); err != nil {
		return fmt.Errorf("keep calendar year: %w", err)
	}
	return nil
}
