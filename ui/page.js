() => {
  document.documentElement.lang = 'LANGUAGE';
  // Lights up the words of the captions that an audio element plays, or else the part.
  const follow = audio => {
    const take = (audio.currentSrc.match(/\/takes\/([\w-]+)\//) || [])[1];
    const captions = take && document.querySelector(`.captions[data-take="${take}"]`);
    if (captions) {
      for (const span of captions.children) {
        const { start, end } = span.dataset;
        const now = !audio.ended && audio.currentTime >= start && audio.currentTime < end;
        if (now && !span.classList.contains('now')) captions.scrollTop = span.offsetTop - captions.clientHeight / 2;
        span.classList.toggle('now', now);
      }
    }
    if (!audio.paused && audio.isConnected) requestAnimationFrame(() => follow(audio));
  };
  // Gradio's box that checks all others has only a title, which screen readers may leave out.
  new MutationObserver(() => {
    for (const box of document.querySelectorAll('.select-all-checkbox:not([aria-label])')) box.ariaLabel = box.title;
  }).observe(document.body, { childList: true, subtree: true });
  // Events of media do not bubble.
  for (const event of ['playing', 'seeked', 'ended', 'pause'])
    document.addEventListener(event, ({ target }) => target.matches('audio') && follow(target), true);
}
