package bot

import (
	"context"
	"slices"
	"strconv"

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
		{
			Name: "collect", Ask: askPackage, Take: takePackage, Files: true,
			Lies: func(ctx context.Context, b *Bot, t *Turn, f *packageForm) (bool, error) {
				return b.draftsLie(ctx, t, f.CohortID)
			},
		},
		{Name: "check", Ask: askSend, Take: takeSend},
	},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *packageForm) (Reply, error) {
		j, err := b.Acts.Submit(ctx, t.By, service.SubmitInput{CohortID: f.CohortID, BaseVersion: f.Base})
		if e := service.AsError(err); err != nil && (e.Reason == service.ReasonTaken || e.Reason == service.ReasonNothingWaits) {
			r, cardErr := b.cohortCard(ctx, t, f.CohortID)
			r.Lead, r.LeadData = string(e.Reason), e.Data
			return r, cardErr
		}
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

// draftsLie reports whether files of a cohort, 0 for none, lie there that were not
// refused.
func (b *Bot) draftsLie(ctx context.Context, t *Turn, cohortID int64) (bool, error) {
	files, err := b.Journals.Files(ctx, t.By, cohortID)
	return slices.ContainsFunc(files, func(f service.DraftFile) bool { return f.State != service.DraftRefused }), err
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
	Lack        service.Reason      // what keeps it from being sent, "" when it is whole
	Most        int                 // screenshots that are allowed, when there are more; else 0
	Waiting     []service.DraftFile // a worker looks at them
	Refused     []service.DraftFile // shown until the person goes on
	Cohort      *service.Cohort
	Rejected    []service.Act // what the operator sent back, with what to replace
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
	v := &packageView{Form: *f, Cohort: &cv.Cohort, Rejected: cv.Rejected()}
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
	if err := b.Acts.CheckPackage(ctx, by, f.CohortID); err != nil {
		if service.AsError(err).Kind != service.Invalid {
			return nil, err
		}
		v.Lack = service.ReasonOf(err)
		if most, ok := service.AsError(err).Data.(int); ok {
			v.Most = most
		}
	}
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
	for i, f := range v.Unknown {
		var number any // only one needs none
		if len(v.Unknown) > 1 {
			number = i + 1
		}
		r.Rows = append(r.Rows, row(
			Button{Press: t.inTalk(pressAsJournal, f.ID), Args: number}, Button{Press: t.inTalk(pressAsScreenshot, f.ID), Args: number}))
	}
	if v.Journal != nil {
		r.Rows = append(r.Rows, row(Button{Label: "remove_journal", Press: t.inTalk(pressRemove, v.Journal.ID)}))
	}
	var removals []Button
	for i, f := range v.Screenshots {
		removals = append(removals, Button{Label: "remove_screenshot", Args: i + 1, Press: t.inTalk(pressRemove, f.ID)})
	}
	const side = 4 // short labels beside each other
	for part := range slices.Chunk(removals, side) {
		r.Rows = append(r.Rows, part)
	}
	for _, f := range slices.Concat(v.Unknown, v.Waiting) {
		r.Rows = append(r.Rows, row(Button{Label: "remove_file", Args: f.Name, Press: t.inTalk(pressRemove, f.ID)}))
	}
	last := row(Button{Press: t.inTalk(pressCancel, 0)})
	if v.Lack == "" {
		last = row(Button{Press: t.inTalk(pressDone, 0)}, last[0])
	}
	r.Rows = append(r.Rows, last)
	return r
}

func takePackage(ctx context.Context, b *Bot, t *Turn, f *packageForm) (Outcome, error) {
	if err := b.goOn(ctx, t, f.CohortID); err != nil {
		return stay, err
	}
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
	if t.typed {
		var err error
		if t.Press.ID, err = b.namedFile(ctx, t, f); err != nil {
			return stay, err
		}
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

// goOn forgets the refusals that the person has seen, when they do something
// after the card that named them. A file of the same album came before the card.
func (b *Bot) goOn(ctx context.Context, t *Turn, cohortID int64) error {
	if t.Press == nil && t.Message <= t.card {
		return nil
	}
	return b.Journals.Forget(ctx, t.By, cohortID)
}

// namedFile finds the file that typed words mean: «Убрать 2» is the second
// screenshot, «Это скриншот» the only file that must be told apart. 0 is none.
func (b *Bot) namedFile(ctx context.Context, t *Turn, f *packageForm) (int64, error) {
	v, err := b.packageView(ctx, t.By, f)
	if err != nil {
		return 0, err
	}
	list, n := v.Unknown, t.Suffix
	switch {
	case t.Press.Do == pressRemove:
		list = v.Screenshots
	case n == "" && len(list) == 1:
		n = "1"
	}
	for i := range list {
		if strconv.Itoa(i+1) == n {
			return list[i].ID, nil
		}
	}
	return 0, nil
}

// askSend shows the package as one picture and asks before it is sent.
func askSend(ctx context.Context, b *Bot, t *Turn, f *packageForm) (Reply, error) {
	v, err := b.packageView(ctx, t.By, f)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "package_check", Card: true, Data: v, Rows: [][]Button{
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
	switch {
	case t.Press == nil:
	case t.Press.Do == pressSend || t.Press.Do == pressDone && t.typed:
		return finish, nil
	case t.Press.Do == pressDone: // of the card above, tapped twice
		return stay, nil
	case t.Press.Do == pressRemove || t.Press.Do == pressAsJournal || t.Press.Do == pressAsScreenshot: // of the card above
		_, err := takePackage(ctx, b, t, f)
		return goingTo("collect"), err
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
	if d, err := b.drafts.Get(ctx, t.By); err != nil {
		return Reply{}, err
	} else if d != nil && d.Kind == sortFiles.Name { // that is the answer it waits for
		if err := b.Journals.Assign(ctx, t.By, cohortID); err != nil {
			return Reply{}, err
		}
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
	switch {
	case len(waiting) == 1:
		if _, err := b.openPackage(ctx, t, waiting[0].ID); err != nil {
			return Reply{}, err
		}
	case len(waiting)+len(replaceable) == 0:
		return Reply{Text: "loose_nothing_waits", Rows: [][]Button{row(Button{Press: Press{Do: pressMenu}})}}, nil
	default:
		if _, err := b.begin(ctx, t, sortFiles, sortForm{LastIn: t.Message}); err != nil {
			return Reply{}, err
		}
	}
	return b.resumeNow(ctx, t)
}

// sortForm is what must be known while files that came out of the blue wait for
// a word about their cohort. The files lie beside it as draft files of none.
type sortForm struct {
	LastIn int // the person's newest message: a card above it is out of sight
}

// sortFiles asks for which cohort files are that came out of the blue.
var sortFiles = Wizard[sortForm]{
	Name: "sort",
	Steps: []Step[sortForm]{{
		Name: "which", Files: true,
		Lies: func(ctx context.Context, b *Bot, t *Turn, _ *sortForm) (bool, error) { return b.draftsLie(ctx, t, 0) },
		Ask: func(ctx context.Context, b *Bot, t *Turn, _ *sortForm) (Reply, error) {
			return b.sortCard(ctx, t)
		},
		Take: func(ctx context.Context, b *Bot, t *Turn, f *sortForm) (Outcome, error) {
			if err := b.goOn(ctx, t, 0); err != nil {
				return stay, err
			}
			switch {
			case t.File != nil:
				f.LastIn = t.Message
				_, err := b.Journals.Receive(ctx, t.By, service.ReceiveInput{
					UpdateID: t.UpdateID, ChatRef: t.File.Ref, Name: t.File.Name, Size: t.File.Size, Photo: t.File.Photo,
				})
				return held, err
			case t.Press != nil && t.Press.Do == pressRemove:
				return stay, b.Journals.Remove(ctx, t.By, t.Press.ID)
			}
			return stay, unexpected(t)
		},
	}},
	Done: func(ctx context.Context, b *Bot, t *Turn, _ *sortForm) (Reply, error) { return b.menu(ctx, t) }, // never: a cohort opens another one
}

// sortView is what the card of sortFiles shows.
type sortView struct {
	Files   []service.DraftFile
	Refused []service.DraftFile // shown until the person goes on
	More    bool                // there are more cohorts than buttons
}

func (b *Bot) sortCard(ctx context.Context, t *Turn) (Reply, error) {
	waiting, err := b.Acts.CohortList(ctx, t.By, service.WantUpload, "", 0, choosable+1)
	if err != nil {
		return Reply{}, err
	}
	replaceable, err := b.Acts.CohortList(ctx, t.By, service.WantReplace, "", 0, choosable+1)
	if err != nil {
		return Reply{}, err
	}
	list := waiting
	for _, c := range replaceable {
		if !slices.ContainsFunc(list, func(o service.CohortItem) bool { return o.ID == c.ID }) {
			list = append(list, c)
		}
	}
	files, err := b.Journals.Files(ctx, t.By, 0)
	if err != nil {
		return Reply{}, err
	}
	v := sortView{More: len(list) > choosable}
	for _, f := range files {
		if f.State == service.DraftRefused {
			v.Refused = append(v.Refused, f)
		} else {
			v.Files = append(v.Files, f)
		}
	}
	r := Reply{Text: "loose_which", Data: v, Card: true}
	if len(v.Files) > 0 {
		for _, c := range list[:min(len(list), choosable)] {
			r.Rows = append(r.Rows, row(Button{Label: "cohort_item", Args: c, Press: Press{pressFor, c.ID, 0}}))
		}
	}
	for _, f := range v.Files {
		r.Rows = append(r.Rows, row(Button{Label: "remove_file", Args: f.Name, Press: t.inTalk(pressRemove, f.ID)}))
	}
	r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressCancel, 0)}))
	return r, nil
}

// forCohortPressed says for which cohort the files are that came out of the blue.
func (b *Bot) forCohortPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.packagePressed(service.WantUpload, pressUpload)(ctx, t)
	}
	if err := b.Acts.WhyNoUpload(ctx, t.By, t.Press.ID); err != nil {
		return Reply{}, err
	}
	if err := b.Journals.Assign(ctx, t.By, t.Press.ID); err != nil {
		return Reply{}, err
	}
	if err := b.leaveTalk(ctx, &Turn{By: t.By, Chat: t.Chat}); err != nil { // its card, too
		return Reply{}, err
	}
	return b.openPackage(ctx, t, t.Press.ID)
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
