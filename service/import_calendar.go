package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// calendarOrNothing finds a calendar year by the line that names the year.
// Remarks may stand before it.
func calendarOrNothing(sh *Sheet) string {
	for _, r := range sh.Rows {
		first := r.Cell(0)
		if strings.HasPrefix(first, "#") {
			continue
		}
		if word, _, _ := strings.Cut(fold(first), " "); word == wordYear {
			return sheetCalendar
		}
		return ""
	}
	return ""
}

// takeCalendar reads a calendar year: its text form, one word a cell or not.
func (f *importFile) takeCalendar(sh *Sheet) {
	index := len(f.report.Sheets)
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
		f.report.bad(index, sh.Name, BadCell{Row: row}, err)
		return
	}
	f.calendar, f.calendarMark = &y, sh.Name
}

func (r *importRun) planCalendar(ctx context.Context) error {
	y := r.file.calendar
	if y == nil || !r.by.Has(RoleAdmin) {
		return nil
	}
	years, err := r.tx.CalendarYears(ctx)
	if err != nil {
		return fmt.Errorf("read calendar years: %w", err)
	}
	i := slices.IndexFunc(r.report.Sheets, func(s SheetReport) bool { return s.Name == sheetCalendar })
	counts := &r.report.Sheets[i]
	at := slices.IndexFunc(years, func(known CalendarYear) bool { return known.Year == y.Year })
	switch {
	case at < 0:
		counts.New, r.saveYear = 1, true
	case years[at].Text() == y.Text():
		counts.Unchanged = 1
	default:
		counts.Changed, r.saveYear = 1, true
	}
	return nil
}
