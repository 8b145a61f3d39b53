package service

import (
	"context"
	"io"
	"slices"
	"strconv"
)

// importForm is a workbook to fill in.
type importForm struct {
	name   string
	sheets []*importKind
	also   []func() SheetFormSheet // sheets that are filled in for something else than the import
	// guide is the sheet «Справка» below its name: the second column is the list of
	// the columns that say so.
	guide func(*importKnown) [][]string
}

// importForms are all of them.
var importForms = []importForm{
	{name: "centers", sheets: kindsNamed(sheetCenters), guide: func(k *importKnown) [][]string {
		var out [][]string
		for _, p := range k.Profiles {
			out = append(out, []string{p.Code, p.Name})
		}
		return out
	}},
	{name: "cohorts", sheets: kindsNamed(sheetCohorts, sheetLearners), guide: func(*importKnown) [][]string {
		return numbered(documentNames[1:])
	}},
	{name: "exams", sheets: kindsNamed(sheetExams, sheetApplications), guide: func(k *importKnown) [][]string {
		var out [][]string
		for _, c := range k.Countries {
			out = append(out, []string{c.Code, c.Names[0]})
		}
		return out
	}},
	{name: "results", sheets: kindsNamed(sheetResults), guide: func(*importKnown) [][]string { return nil }},
	{name: "frdo-response", also: []func() SheetFormSheet{registerForm}, guide: func(*importKnown) [][]string {
		var types []string
		for _, l := range Levels {
			types = append(types, frdoType+frdoPurpose[l])
		}
		return numbered(types)
	}},
}

func kindsNamed(names ...string) []*importKind {
	var out []*importKind
	for _, name := range names {
		out = append(out, importKinds[slices.IndexFunc(importKinds, func(k *importKind) bool { return k.name == name })])
	}
	return out
}

func numbered(texts []string) [][]string {
	var out [][]string
	for i, text := range texts {
		out = append(out, []string{strconv.Itoa(i + 1), text})
	}
	return out
}

// The sheet of registration numbers to fill in. The register's own form is not
// public: what it sends is read by many titles, these are among them.
const (
	sheetRegister           = "Номера ФИС ФРДО"
	columnCertificateType   = "Тип сертификата"
	columnCertificateNumber = "Реестровый номер"
	columnCertificateIssued = "Дата выдачи"
)

func registerForm() SheetFormSheet {
	must := func(title string, kind ColumnKind) SheetFormColumn {
		return SheetFormColumn{Title: title, Required: true, Kind: kind}
	}
	return SheetFormSheet{Name: sheetRegister, Columns: []SheetFormColumn{
		must(columnLastName, ColumnText),
		must(columnFirstName, ColumnText),
		{Title: columnMiddleName, Kind: ColumnText},
		must(columnBorn, ColumnDay),
		{Title: columnCertificateType, Kind: ColumnText, Listed: true},
		must(columnCertificateNumber, ColumnText),
		must(columnCertificateIssued, ColumnDay),
	}}
}

// BlankNames lists the workbooks that Blank knows.
func BlankNames() []string {
	var out []string
	for _, f := range importForms {
		out = append(out, f.name)
	}
	return out
}

// Blank writes the empty workbook of that name. Hints are the words beside the
// columns, by sheet and title; a column without any has none. An unknown name
// is Invalid with the known ones.
func (s *Imports) Blank(ctx context.Context, name string, hints map[string]map[string]string, w io.Writer) error {
	n := slices.IndexFunc(importForms, func(f importForm) bool { return f.name == name })
	if n < 0 {
		return refuseWith(Invalid, ReasonSheetNoForm, SheetNames{BlankNames()})
	}
	f := &importForms[n]
	form := SheetForm{Guide: SheetGuide{Name: sheetGuide, Rows: f.guide(&s.known)}}
	for _, k := range f.sheets {
		form.Sheets = append(form.Sheets, k.form())
	}
	for _, also := range f.also {
		form.Sheets = append(form.Sheets, also())
	}
	for _, sh := range form.Sheets {
		for i := range sh.Columns {
			c := &sh.Columns[i]
			c.Hint = hints[sh.Name][c.Title]
			c.Listed = c.Listed && len(form.Guide.Rows) > 0
		}
	}
	return s.book.Blank(ctx, form, w)
}
