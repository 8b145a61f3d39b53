package bot

import (
	"context"

	"flowbot/service"
)

// looseTable has a table loaded that somebody sent. The report comes as a
// message of its own.
func (b *Bot) looseTable(ctx context.Context, t *Turn) (Reply, error) {
	if err := b.Imports.Order(ctx, t.By, t.UpdateID, t.File.Ref, t.File.Size); err != nil {
		return Reply{}, err
	}
	if t.Again { // the report may have come before
		return Reply{}, nil
	}
	return Reply{Text: "import_ordered", Data: service.SafeName(t.File.Name)}, nil
}

// renderImport reports an import to whoever sent the table; one that was refused
// comes back with its mistakes marked.
func (b *Bot) renderImport(ctx context.Context, to service.Actor, n service.ImportNotice) (letter, error) {
	result, marked, err := b.Imports.Result(ctx, n)
	if err != nil {
		return letter{}, err
	}
	menu := [][]Button{row(Button{Press: Press{Do: pressMenu}})}
	if to.Has(service.RoleCenterStaff) { // goes on with the exam
		menu = [][]Button{row(Button{Press: Press{Do: pressExams}}, Button{Press: Press{Do: pressMenu}})}
	}
	switch {
	case result.Refusal != "":
		return letter{Reply: Reply{Text: "import_not_read", Data: result.Refusal, Rows: menu}}, nil
	case !result.Report.Refused():
		return letter{Reply: Reply{Text: "import_report", Data: &result.Report, Rows: menu}}, nil
	}
	l := letter{Reply: Reply{Text: "import_refused", Data: &result.Report, Rows: menu}}
	if marked == nil {
		return l, nil
	}
	name, err := b.text.Label("file_marked", nil)
	if err != nil {
		return letter{}, err
	}
	l.before, l.Reply = []Reply{{Text: l.Text, Data: l.Data}}, Reply{
		Text: "import_marked", Document: &Attachment{Name: name, Open: marked.Open}, Rows: menu,
	}
	return l, nil
}
