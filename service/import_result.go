package service

// resultKind is the sheet «Результаты».
var resultKind = rowKind[resultRow]{
	name: sheetResults, may: ofCenters, columns: resultColumns,
	key: columnApplication, number: func(r *resultRow) string { return r.Number },
	check: func(r *resultRow) (string, Reason) {
		// Whoever was sent out of the room has no result.
		if r.Outcome == OutcomeAwaited && r.Violations != ViolationsFound {
			return columnResult, ReasonImportRequired
		}
		return "", ""
	},
	place: func(f *importFile) *importSheet[resultRow] { return &f.results },
}

// planResults plans the results of applications that are there or stand in the
// file.
func (r *importExams) planResults() {
	sheet := &r.file.results
	if len(sheet.rows) == 0 {
		return
	}
	counts := r.counts(sheet.sheetPlace)
	for _, row := range sheet.rows {
		bad := func(column string, reason Reason) { r.bad(sheet.sheetPlace, row.number, column, reason) }
		known := r.applications[row.value.Number]
		lost := known == nil && !r.badApplications[row.value.Number] ||
			known != nil && known.from != nil && !r.sees(known.from.CenterID)
		if lost && row.value.Number != "" {
			bad(columnApplication, ReasonImportNoApplication)
		}
		if lost || row.bad || known == nil {
			continue
		}
		now := resultRow{known.Number, known.Outcome, known.Violations, known.ResultComment}
		want := merged(resultColumns, sheet.has, &now, &row.value)
		diff := differing(resultColumns, &now, &want)
		if len(diff) == 0 {
			counts.Unchanged++
			continue
		}
		faults := resultFaults(known, &want, diff)
		for _, b := range faults {
			bad(b.Column, b.Reason)
		}
		if len(faults) > 0 {
			continue
		}
		if now.Outcome == OutcomeAwaited && now.Violations == ViolationsUnmarked {
			counts.New++
		} else {
			counts.Changed++
		}
		known.Outcome, known.Violations, known.ResultComment = want.Outcome, want.Violations, want.Comment
		if known.changed == nil {
			r.planned = append(r.planned, known)
		}
		known.marked = true
		if known.exam != nil {
			known.exam.marked = true
		}
	}
}

// resultFaults says why a result cannot become another. Diff are the columns in
// which they differ.
func resultFaults(known *plannedApplication, want *resultRow, diff []string) []BadCell {
	var out []BadCell
	switch {
	case known.Frozen():
		for _, column := range diff {
			out = append(out, BadCell{Column: column, Reason: ReasonImportResultFrozen})
		}
	case known.exam == nil:
	case known.exam.HeldOn.After(known.exam.today):
		out = append(out, BadCell{Column: columnResult, Reason: ReasonImportNotHeld})
	case known.exam.ProtocolStatus == ProtocolApproved:
		a := Application{Outcome: want.Outcome, Violations: want.Violations}
		if known.Settled() && !a.Settled() {
			out = append(out, BadCell{Column: columnViolations, Reason: ReasonImportUnsettled})
		}
	}
	return out
}

// importedMark names the step by which an import changes a result.
func importedMark(a *plannedApplication) string {
	switch {
	case a.Outcome == a.was.Outcome && a.Violations == a.was.Violations:
		return eventChange
	case a.Violations == ViolationsUnmarked && a.Outcome == a.was.Outcome, a.Outcome == OutcomeAwaited && a.Violations != ViolationsFound:
		return eventUnmark
	}
	return markEvent(&a.was, &a.Application)
}

// markComment is what stands beside that step.
func (a *plannedApplication) markComment() string {
	if a.ResultComment == a.was.ResultComment {
		return ""
	}
	return a.ResultComment
}
