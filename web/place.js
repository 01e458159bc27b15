// place.js -- where a person is: #/PAGE/REST?NAME=VALUE, so that every view has
// an address that can be kept, sent and gone back to.

// {page, rest, get(name)}; an identifier in `rest` keeps its slashes.
export function here() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [page, ...rest] = path.split('/').map(decodeURIComponent);
  const parameters = new URLSearchParams(query);
  return { page: page || 'overview', rest: rest.join('/'),
    get: (name) => parameters.get(name) ?? '' };
}

export function link(page, rest = '', parameters = {}) {
  const some = Object.entries(parameters).filter(([, v]) => v !== ''
    && v !== undefined && v !== null);
  const query = new URLSearchParams(some).toString();
  const way = rest ? '/' + rest.split('/').map(encodeURIComponent).join('/')
    : '';
  return `#/${page === 'overview' ? '' : page}${way}${query ? `?${query}` : ''}`;
}

// The identifier in what was typed or scanned: a name, hdl:NAME, or an address
// with one in it, as on a label.
export function named(text) {
  const plain = text.trim();
  const address = /^https?:\/\/[^/]+\/(.*)$/i.exec(plain)?.[1];
  const name = address === undefined ? plain.replace(/^hdl:/i, '')
    : decodeURIComponent(address.replace(/^(#\/object\/|api\/handles\/)/, '')
      .replace(/[?#].*$/, ''));
  return name.replace(/^\/+|\/+$/g, '');
}
