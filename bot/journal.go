package bot

import (
	"context"
	"slices"

	"flowbot/service"
)

// Buttons of a package. The ID is the cohort's, or the act's for downloads.
const (
	pressUpload  Action = "ju" // «Журнал и скриншоты»
	pressReplace Action = "jr" // «Заменить журнал»
	pressFiles   Action = "jf" // «Скачать журнал и скриншоты»; ID is the act's
	pressPackage Action = "jp" // «Скачать пакет»; ID is the act's
	pressFor     Action = "jc" // files that came out of the blue are for this cohort
)

// Buttons inside the conversation about a package; the ID is the file's.
const (
	pressAsJournal    Action = "kj" // the file is the journal
	pressAsScreenshot Action = "ks" // the file is a screenshot
)

func (b *Bot) journalActions() []action {
	return []action{
		{pressUpload, "journal_upload", b.packagePressed(service.WantUpload, pressUpload)},
		{pressReplace, "journal_replace", b.packagePressed(service.WantReplace, pressReplace)},
		{pressFiles, "journal_files", b.filesPressed},
		{pressPackage, "package", b.archivePressed},
		{pressFor, "cohort_item_plain", b.forCohortPressed},
		{pressAsJournal, "as_journal", b.resume},
		{pressAsScreenshot, "as_screenshot", b.resume},
	}
}

// packageForm is what must be known before a package is sent. The files lie
// beside it as draft files.
type packageForm struct {
	CohortID int64
	Cohort   string // number
	Base     int    // newest version of the journal when the conversation began
	LastIn   int    // the person's newest message: a card above it is out of sight
}

// collectPackage takes the journal and the screenshots in any order, shows what
// it has, and asks before sending.
var collectPackage = Wizard[packageForm]{
	Name: "package",
	Steps: []Step[packageForm]{
		{Name: "collect", Ask: askPackage, Take: takePackage},
		{Name: "check", Ask: askSend, Take: takeSend},
	},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *packageForm) (Reply, error) {
		j, err := b.Acts.Submit(ctx, t.By, service.SubmitInput{CohortID: f.CohortID, BaseVersion: f.Base})
		if err != nil {
			return Reply{}, err
		}
		r, err := b.cohortCard(ctx, t, f.CohortID)
		if err != nil {
			return Reply{}, err
		}
		r.Text, r.Data = "package_sent", packageSent{r.Data, j.Version, f.Base > 0}
		return r, nil
	},
}

// packageSent is the cohort's card with what has just been done.
type packageSent struct {
	Card     any
	Version  int
	Replaced bool
}

// packageView is what the card of the conversation shows.
type packageView struct {
	Form        packageForm
	Journal     *service.DraftFile
	Screenshots []service.DraftFile
	Unknown     []service.DraftFile // must be told apart
	Waiting     []service.DraftFile // a worker looks at them
	Refused     []service.DraftFile // shown once
	Cohort      *service.Cohort
	Ready       bool
}

func (b *Bot) packageView(ctx context.Context, by service.Actor, f *packageForm) (*packageView, error) {
	cv, err := b.Acts.Cohort(ctx, by, f.CohortID)
	if err != nil {
		return nil, err
	}
	files, err := b.Journals.Files(ctx, by, f.CohortID)
	if err != nil {
		return nil, err
	}
	v := &packageView{Form: *f, Cohort: &cv.Cohort}
	for _, file := range files {
		switch {
		case file.State == service.DraftWaiting:
			v.Waiting = append(v.Waiting, file)
		case file.State == service.DraftRefused:
			v.Refused = append(v.Refused, file)
		case file.Kind == service.KindUnknown:
			v.Unknown = append(v.Unknown, file)
		case file.Kind == service.KindJournal:
			v.Journal = &file
		default:
			v.Screenshots = append(v.Screenshots, file)
		}
	}
	v.Ready = v.Journal != nil && len(v.Waiting) == 0 && len(v.Unknown) == 0 &&
		(len(v.Screenshots) > 0 || !v.Cohort.NeedsScreenshots())
	return v, nil
}

func askPackage(ctx context.Context, b *Bot, t *Turn, f *packageForm) (Reply, error) {
	v, err := b.packageView(ctx, t.By, f)
	if err != nil {
		return Reply{}, err
	}
	return packageCard(t, v), nil
}

// packageCard shows what the conversation has and what is missing.
func packageCard(t *Turn, v *packageView) Reply {
	r := Reply{Text: "package_card", Data: v, Card: true}
	for _, f := range v.Unknown {
		r.Rows = append(r.Rows, row(
			Button{Press: t.inTalk(pressAsJournal, f.ID)}, Button{Press: t.inTalk(pressAsScreenshot, f.ID)}))
	}
	if v.Journal != nil {
		r.Rows = append(r.Rows, row(Button{Label: "remove_journal", Press: t.inTalk(pressRemove, v.Journal.ID)}))
	}
	var removals []Button
	for i, f := range v.Screenshots {
		removals = append(removals, Button{Label: "remove_screenshot", Args: i + 1, Press: t.inTalk(pressRemove, f.ID)})
	}
	for _, f := range slices.Concat(v.Unknown, v.Waiting) {
		removals = append(removals, Button{Label: "remove_file", Args: f.Name, Press: t.inTalk(pressRemove, f.ID)})
	}
	const side = 4 // short labels beside each other
	for part := range slices.Chunk(removals, side) {
		r.Rows = append(r.Rows, part)
	}
	last := row(Button{Press: t.inTalk(pressCancel, 0)})
	if v.Ready {
		last = row(Button{Press: t.inTalk(pressDone, 0)}, last[0])
	}
	r.Rows = append(r.Rows, last)
	return r
}

func takePackage(ctx context.Context, b *Bot, t *Turn, f *packageForm) (Outcome, error) {
	if t.File != nil {
		f.LastIn = t.Message
		_, err := b.Journals.Receive(ctx, t.By, service.ReceiveInput{
			CohortID: f.CohortID, UpdateID: t.UpdateID, ChatRef: t.File.Ref,
			Name: t.File.Name, Size: t.File.Size, Photo: t.File.Photo,
		})
		return held, err
	}
	if t.Press == nil {
		return stay, unexpected(t)
	}
	switch t.Press.Do {
	case pressRemove:
		return stay, b.Journals.Remove(ctx, t.By, t.Press.ID)
	case pressAsJournal:
		return stay, b.Journals.SetKind(ctx, t.By, t.Press.ID, service.KindJournal)
	case pressAsScreenshot:
		return stay, b.Journals.SetKind(ctx, t.By, t.Press.ID, service.KindScreenshot)
	case pressDone, pressSend:
		return next, b.Acts.CheckPackage(ctx, t.By, f.CohortID)
	}
	return stay, unexpected(t)
}

// askSend shows the package as one picture and asks before it is sent.
func askSend(ctx context.Context, b *Bot, t *Turn, f *packageForm) (Reply, error) {
	v, err := b.packageView(ctx, t.By, f)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "package_check", Data: v, Rows: [][]Button{
		row(Button{Press: t.inTalk(pressSend, 0)}),
		row(Button{Press: t.inTalk(pressBack, 0)}, Button{Press: t.inTalk(pressCancel, 0)}),
	}}
	sheet, err := b.Journals.Preview(ctx, t.By, f.CohortID, b.caption)
	if err != nil {
		return Reply{}, err
	}
	r.Photo = &Attachment{Name: "package.jpg", Open: sheet.Open}
	return r, nil
}

func takeSend(ctx context.Context, b *Bot, t *Turn, f *packageForm) (Outcome, error) {
	if t.File != nil { // one more file: back to what there is
		out, err := takePackage(ctx, b, t, f)
		if err != nil {
			return out, err
		}
		return Outcome{to: "collect", held: true}, nil
	}
	if t.Press != nil && (t.Press.Do == pressSend || t.Press.Do == pressDone) {
		return finish, nil
	}
	return stay, unexpected(t)
}

// packagePressed opens the conversation about a cohort's package.
func (b *Bot) packagePressed(want service.CohortWant, do Action) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		if t.Press.ID == 0 {
			return b.chooseCohort(ctx, t, want, do)
		}
		return b.openPackage(ctx, t, t.Press.ID)
	}
}

func (b *Bot) openPackage(ctx context.Context, t *Turn, cohortID int64) (Reply, error) {
	v, err := b.Acts.Cohort(ctx, t.By, cohortID)
	if err != nil {
		return Reply{}, err
	}
	if err := b.Acts.WhyNoUpload(ctx, t.By, cohortID); err != nil {
		return Reply{}, err
	}
	base, err := b.Journals.Begin(ctx, t.By, cohortID)
	if err != nil {
		return Reply{}, err
	}
	return b.begin(ctx, t, collectPackage, packageForm{
		CohortID: cohortID, Cohort: v.Cohort.Number, Base: base, LastIn: t.Message,
	})
}

// loosePackage takes a file that came out of the blue from a partner's
// representative: it starts the conversation for the one cohort that waits for
// a journal, or asks for which cohort it is. The file is kept meanwhile.
func (b *Bot) loosePackage(ctx context.Context, t *Turn) (Reply, error) {
	waiting, err := b.Acts.CohortList(ctx, t.By, service.WantUpload, "", 0, choosable+1)
	if err != nil {
		return Reply{}, err
	}
	replaceable, err := b.Acts.CohortList(ctx, t.By, service.WantReplace, "", 0, choosable+1)
	if err != nil {
		return Reply{}, err
	}
	in := service.ReceiveInput{
		UpdateID: t.UpdateID, ChatRef: t.File.Ref, Name: t.File.Name, Size: t.File.Size, Photo: t.File.Photo,
	}
	if len(waiting) == 1 {
		r, err := b.openPackage(ctx, t, waiting[0].ID)
		if err != nil {
			return r, err
		}
		in.CohortID = waiting[0].ID
		_, err = b.Journals.Receive(ctx, t.By, in)
		return Reply{}, err
	}
	list := waiting
	for _, c := range replaceable {
		if !slices.ContainsFunc(list, func(o service.CohortItem) bool { return o.ID == c.ID }) {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return Reply{Text: "loose_nothing_waits", Rows: [][]Button{row(Button{Press: Press{Do: pressMenu}})}}, nil
	}
	if _, err := b.Journals.Receive(ctx, t.By, in); err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "loose_which", Data: len(list)}
	for _, c := range list[:min(len(list), choosable)] {
		r.Rows = append(r.Rows, row(Button{Label: "cohort_item", Args: c, Press: Press{pressFor, c.ID, 0}}))
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// forCohortPressed says for which cohort the files are that came out of the blue.
func (b *Bot) forCohortPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.help(ctx, t)
	}
	if err := b.Acts.WhyNoUpload(ctx, t.By, t.Press.ID); err != nil {
		return Reply{}, err
	}
	if err := b.Journals.Assign(ctx, t.By, t.Press.ID); err != nil {
		return Reply{}, err
	}
	return edited(b.openPackage(ctx, t, t.Press.ID))
}

// filesPressed sends the journal and the screenshots of an act.
func (b *Bot) filesPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseAct(ctx, t, "", pressFiles)
	}
	v, files, err := b.Acts.JournalDocuments(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "journal_files_sent", Data: v, Rows: [][]Button{
		row(Button{Press: Press{pressAct, v.Act.ID, 0}, Args: v.Act.Number}, Button{Press: Press{Do: pressMenu}}),
	}}
	for _, f := range files {
		r.Files = append(r.Files, attach(f))
	}
	return r, nil
}

// caption words the line under a file of a contact sheet.
func (b *Bot) caption(kind service.JournalKind, place, pages int) string {
	name, n := "caption_screenshot", place
	if kind == service.KindJournal {
		name, n = "caption_journal", pages
	}
	words, err := b.text.Label(name, n)
	if err != nil {
		return "" // a picture without a line is better than none
	}
	return words
}
