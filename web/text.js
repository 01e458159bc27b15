// text.js -- every word that the console shows, in both languages.
//
// Names of figures are not here: they come from the pack, which has both.

export const texts = {
  en: {
    lang: 'en', other: '中文', otherLang: 'zh-CN',
    skip: 'Skip to the figures',
    where: (node, role) => `node ${node} · ${role}`,
    footer: 'Every figure is added up from whole numbers and divided once, '
      + 'at the end. A machine named host is the computer that its node '
      + 'runs on.',

    pages: { overview: 'Overview', explorer: 'Explorer' },
    explorer: 'Series of a machine', identifier: 'identifier', open: 'Show',
    span: 'span', until: 'until', newest: 'Newest', rate: 'rise per second',
    metric: 'series', newestValue: 'newest value', sampled: 'time',
    spanOf: (s) => s >= 63072000 ? `${Math.round(s / 31536000)} years`
      : s >= 172800 ? `${Math.round(s / 86400)} days`
        : s >= 7200 ? `${Math.round(s / 3600)} hours`
          : `${Math.round(s / 60)} minutes`,
    explorerAsk: 'Type an identifier, such as 88.31.1001/host.',
    explorerNone: (id) => `${id}: this node knows no series of it.`,
    explorerEmpty: 'No sample in this span. Newest goes to where there is one.',
    explorerStep: (s) => `One point every ${s} s. Mark a part of the curve to `
      + 'look closer.',
    chain: 'From the nation to the machine',
    roles: { nation: 'nation', province: 'province',
      enterprise: 'enterprise', recursive: 'resolver' },
    parent: 'above this node', host: 'machine',
    here: 'this node', up: 'linked', down: 'not linked',
    silent: 'linked, but not answering',
    heard: (s) => `heard ${s} ago`,
    sends: (s) => `newest sample ${s} ago`,
    quiet: (s) => `no sample for ${s}`,
    spans: { s: 's', min: 'min', h: 'h', d: 'days' },
    more: (n) => `and ${n} more`,

    live: 'Live curve', machine: 'machine', curve: 'curve',
    curves: { cpu: 'processors busy', memory: 'memory in use',
      received: 'network in', sent: 'network out',
      written: 'written to disk' },
    liveNote: (id, n, zone) => `${id}: ${n} samples in the last 15 minutes, `
      + `fetched from the node that owns it. Times in ${zone}.`,
    liveWait: (id) => `${id}: waiting for samples. One comes every 5 seconds.`,
    liveGone: (why) => `The samples cannot be fetched now: ${why}`,
    liveNone: 'No machine below this node has sent samples '
      + 'in the last 15 minutes.',
    now: (v, low, high) => `now ${v} · lowest ${low} · highest ${high}`,
    then: (time, v) => `at ${time}: ${v}`,
    plot: (curve, reading) => `Curve of the last 15 minutes: `
      + `${curve}; ${reading}`,

    figures: 'Figures of this node', every: 'every', sums: 'show the sums',
    minute: 'minute', hour: 'hour',
    figure: 'figure', value: 'value', trend: 'last hour',
    trends: { minute: 'last 60 minutes', hour: 'last 60 hours' },
    reported: 'machines reported', revision: 'revision', state: 'state',
    window: (freq, text, zone) => `Newest complete ${freq}: ${text} (${zone})`,
    of: (a, b) => `${a} of ${b}`,
    states: { open: 'open', provisional: 'provisional', sealed: 'sealed' },
    pending: 'corrections pending',
    vintage: (n) => `version ${n}`,
    none: { minute: 'No complete minute yet. One appears a few seconds after '
        + 'each full minute.',
      hour: 'No complete hour yet. One appears a few seconds after each '
        + 'full hour.' },
    spark: (low, high) => `between ${low} and ${high}`,
    nothing: 'not known',

    explain: 'Explain', explainOne: (name) => `Explain: ${name}`,
    explained: 'Where this figure comes from', close: 'Close',
    asking: 'Asking the nodes below …',
    explainGone: (why) => `This cannot be explained now: ${why}`,
    says: (name, value, freq, window, zone) => `${name}: ${value} in the `
      + `${freq} ${window} (${zone})`,
    formula: 'Formula', way: 'The way down', place: 'where',
    inputsOf: (name) => `What ${name} gave`, input: 'input', amount: 'amount',
    revisionOf: (r, e) => `${r} (epoch ${e})`,
    changed: 'It has changed since it was counted here.',
    summed: 'the sum over all machines',
    sample: (shard, sequence) => 'Read from its samples up to number '
      + `${sequence} of journal ${shard}.`,
    raw: 'Raw samples of this window', time: 'time', rawBefore: '(before it)',
    rawNone: 'They are not kept any more, or cannot be fetched now.',
    below: (why) => `What is below cannot be shown: ${why}.`,
    whys: { ABSENT: 'it is not kept there any more',
      PARTIAL: 'it has not sent this window yet',
      TIMEOUT: 'no answer in time', LOST: 'the link was lost',
      NOROUTE: 'there is no link', LIMIT: 'there are too many',
      DENIED: 'it is not allowed', BUSY: 'the node is busy',
      BIG: 'the answer is too big' },

    unreachable: 'This node does not answer. What is shown may be old. '
      + 'Trying again …',
    problem: (status) => `the node answered ${status}`,
    timeout: 'no answer in time',
    units: { '%': '%', s: 's', KiBy: 'KiB', '{sample}': '' },
    perSecond: 'KiB/s',
  },
  zh: {
    lang: 'zh-CN', other: 'English', otherLang: 'en',
    skip: '跳到数字',
    where: (node, role) => `节点 ${node} · ${role}`,
    footer: '每个数字都由整数相加，只在最后除一次。'
      + '名为 host 的机器就是其节点所在的计算机。',

    pages: { overview: '总览', explorer: '序列' },
    explorer: '一台设备的序列', identifier: '标识', open: '显示',
    span: '跨度', until: '截至', newest: '最新', rate: '每秒增量',
    metric: '序列', newestValue: '最新值', sampled: '时间',
    spanOf: (s) => s >= 63072000 ? `${Math.round(s / 31536000)} 年`
      : s >= 172800 ? `${Math.round(s / 86400)} 天`
        : s >= 7200 ? `${Math.round(s / 3600)} 小时`
          : `${Math.round(s / 60)} 分钟`,
    explorerAsk: '请输入标识，例如 88.31.1001/host。',
    explorerNone: (id) => `${id}：本节点没有它的序列。`,
    explorerEmpty: '此跨度内没有样本。按“最新”转到有样本之处。',
    explorerStep: (s) => `每 ${s} 秒一个点。在曲线上划选一段可放大。`,
    chain: '从国家到机器',
    roles: { nation: '国家', province: '省', enterprise: '企业',
      recursive: '递归解析' },
    parent: '上级节点', host: '机器',
    here: '本节点', up: '已连接', down: '未连接', silent: '已连接，但无应答',
    heard: (s) => `${s}前有消息`,
    sends: (s) => `最新样本在 ${s}前`,
    quiet: (s) => `已有 ${s}没有样本`,
    spans: { s: '秒', min: '分钟', h: '小时', d: '天' },
    more: (n) => `另有 ${n} 个`,

    live: '实时曲线', machine: '机器', curve: '曲线',
    curves: { cpu: '处理器利用率', memory: '内存利用率',
      received: '网络接收', sent: '网络发送', written: '磁盘写入' },
    liveNote: (id, n, zone) => `${id}：最近 15 分钟 ${n} 个样本，`
      + `取自其所属节点。时间为 ${zone}。`,
    liveWait: (id) => `${id}：正在等待样本，每 5 秒一个。`,
    liveGone: (why) => `现在取不到样本：${why}`,
    liveNone: '最近 15 分钟内，本节点之下没有机器发来样本。',
    now: (v, low, high) => `现在 ${v} · 最低 ${low} · 最高 ${high}`,
    then: (time, v) => `${time}：${v}`,
    plot: (curve, reading) => `最近 15 分钟的曲线：${curve}；${reading}`,

    figures: '本节点的数字', every: '每', sums: '显示合计',
    minute: '分钟', hour: '小时',
    figure: '指标', value: '数值', trend: '走势',
    trends: { minute: '最近 60 分钟', hour: '最近 60 小时' },
    reported: '已报机器', revision: '修订', state: '状态',
    window: (freq, text, zone) => `最新完整的${freq}：${text}（${zone}）`,
    of: (a, b) => `${a} / ${b}`,
    states: { open: '进行中', provisional: '暂定', sealed: '已封存' },
    pending: '有待定更正',
    vintage: (n) => `第 ${n} 版`,
    none: { minute: '还没有完整的分钟。每满一分钟，几秒后出现。',
      hour: '还没有完整的小时。每满一小时，几秒后出现。' },
    spark: (low, high) => `介于 ${low} 和 ${high} 之间`,
    nothing: '未知',

    explain: '解释', explainOne: (name) => `解释：${name}`,
    explained: '这个数字从哪里来', close: '关闭',
    asking: '正在询问下级节点……',
    explainGone: (why) => `现在无法解释：${why}`,
    says: (name, value, freq, window, zone) => `${name}：${window}`
      + `（${zone}）这一${freq}为 ${value}`,
    formula: '公式', way: '逐级向下', place: '位置',
    inputsOf: (name) => `${name} 给出的数据`, input: '输入', amount: '数量',
    revisionOf: (r, e) => `${r}（纪元 ${e}）`,
    changed: '计入之后又有变化。',
    summed: '所有机器之和',
    raw: '该窗口的原始样本', time: '时间', rawBefore: '（窗口之前）',
    rawNone: '已不再保存，或现在取不到。',
    sample: (shard, sequence) => `取自其样本，至日志 ${shard} 的第 `
      + `${sequence} 号。`,
    below: (why) => `以下部分无法显示：${why}。`,
    whys: { ABSENT: '那里已不再保存', PARTIAL: '尚未送来这一窗口',
      TIMEOUT: '未及时应答',
      LOST: '连接已断', NOROUTE: '没有连接', LIMIT: '数量过多',
      DENIED: '不被允许', BUSY: '节点正忙', BIG: '应答过大' },

    unreachable: '本节点没有应答，所示内容可能已过时。正在重试……',
    problem: (status) => `节点回答 ${status}`,
    timeout: '未及时应答',
    units: { '%': '%', s: '秒', KiBy: 'KiB', '{sample}': '个' },
    perSecond: 'KiB/秒',
  },
};
