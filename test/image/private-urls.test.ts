import { afterEach, expect, test, vi } from 'vitest'
import { UnreadableUrl, fetchImage } from '../../src/image/source'
import { decodeAll } from '../streams/splits'

afterEach(() => vi.restoreAllMocks())

const picture = () => vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response('picture'))

const unsafe = [
  ['no URL', ['', 'a.png', '/a.png', '//example.com/a.png', 'https://', 'https://[::1', 'https://exa mple.com/']],
  [
    'another scheme',
    [
      'http://example.com/',
      'ftp://example.com/',
      'file:///etc/passwd',
      'data:image/png;base64,AAAA',
      'blob:https://example.com/1',
      'javascript:1',
    ],
  ],
  [
    'a user name or password',
    ['https://user:pass@example.com/', 'https://user@example.com/', 'https://:pass@example.com/'],
  ],
  [
    'this host by name',
    [
      'https://localhost/',
      'https://localhost:8443/',
      'https://LOCALHOST/',
      'https://localhost./',
      'https://localhost../',
      'https://a.localhost/',
      'https://localhost.localdomain/',
    ],
  ],
  ['this host', ['https://127.0.0.1/', 'https://127.255.255.254/', 'https://127.0.0.1./', 'https://127.0.0.1../']],
  [
    'this host, spelled otherwise',
    [
      'https://127.1/',
      'https://127.0.1/',
      'https://2130706433/',
      'https://0x7f000001/',
      'https://0x7f.0.0.1/',
      'https://0177.0.0.1/',
      'https://017700000001/',
      'https://%31%32%37.0.0.1/',
      'https://１２７.０.０.１/',
      'https://127。0。0。1/',
    ],
  ],
  ['the address of any host', ['https://0.0.0.0/', 'https://0/', 'https://0.1.2.3/']],
  [
    'a private network',
    [
      'https://10.0.0.1/',
      'https://10.255.255.255/',
      'https://172.16.0.1/',
      'https://172.31.255.255/',
      'https://192.168.0.1/',
      'https://192.168.255.255/',
      'https://3232235521/',
    ],
  ],
  [
    'a link-local address',
    ['https://169.254.169.254/', 'https://169.254.0.1/', 'https://2852039166/', 'https://0xa9fea9fe/'],
  ],
  ['a carrier’s network', ['https://100.64.0.1/', 'https://100.127.255.255/', 'https://100.100.100.200/']],
  [
    'a reserved address',
    [
      'https://192.0.0.1/',
      'https://192.0.2.1/',
      'https://198.51.100.1/',
      'https://203.0.113.1/',
      'https://198.18.0.1/',
      'https://240.0.0.1/',
      'https://255.255.255.255/',
    ],
  ],
  ['many hosts at once', ['https://224.0.0.1/', 'https://239.255.255.255/', 'https://[ff02::1]/']],
  ['this host in IPv6', ['https://[::1]/', 'https://[::]/', 'https://[0:0:0:0:0:0:0:1]/', 'https://[::1]:8443/']],
  [
    'an IPv4 address inside IPv6',
    [
      'https://[::ffff:127.0.0.1]/',
      'https://[::ffff:7f00:1]/',
      'https://[::ffff:10.0.0.1]/',
      'https://[::ffff:169.254.169.254]/',
      'https://[::ffff:0:127.0.0.1]/',
      'https://[64:ff9b::7f00:1]/',
      'https://[64:ff9b:1::a00:1]/',
      'https://[2002:7f00:1::]/',
      'https://[::127.0.0.1]/',
      'https://[::a00:1]/',
    ],
  ],
  [
    'a private IPv6 network',
    [
      'https://[fc00::1]/',
      'https://[fd00::1]/',
      'https://[fd00:ec2::254]/',
      'https://[fe80::1]/',
      'https://[febf::1]/',
      'https://[fec0::1]/',
    ],
  ],
  [
    'a reserved IPv6 address',
    ['https://[2001:db8::1]/', 'https://[100::1]/', 'https://[2001::1]/', 'https://[5f00::1]/'],
  ],
  ['a host without a domain', ['https://metadata/', 'https://router/', 'https://kubernetes./']],
  [
    'a private domain',
    [
      'https://metadata.google.internal/',
      'https://a.b.INTERNAL/',
      'https://metadata.google.internal./',
      'https://metadata.google.internal../',
      'https://printer.local/',
      'https://db.svc.cluster.local/',
      'https://nas.lan/',
      'https://wiki.intranet/',
      'https://nas.home.arpa/',
      'https://a.test/',
      'https://a.invalid/',
      'https://a.onion/',
    ],
  ],
].flatMap(([what, urls]) => [urls].flat().map((url) => [what, url]))

test.each(unsafe)('a URL with %s is not read: %s', async (_, address) => {
  const fetched = picture()
  const reading = decodeAll(fetchImage(String(address), { schemes: ['https:'], allowPrivateUrls: false }))
  await expect(reading).rejects.toBeInstanceOf(UnreadableUrl)
  expect(fetched).not.toHaveBeenCalled()
})

test.each([
  'http://localhost:8080/a.png',
  'http://127.0.0.1/',
  'https://10.0.0.1/',
  'http://[::1]/',
  'http://nas.local/',
  'http://example.com/',
])('where private URLs are allowed, %s is read', async (address) => {
  picture()
  expect(await decodeAll(fetchImage(address, { schemes: ['https:'], allowPrivateUrls: true }))).toBe('picture')
})

test.each(['ftp://localhost/', 'file:///etc/passwd', 'data:image/png;base64,AAAA', 'javascript:1', 'a.png'])(
  'even where private URLs are allowed, %s is not read',
  async (address) => {
    const fetched = picture()
    const reading = decodeAll(fetchImage(address, { schemes: ['https:'], allowPrivateUrls: true }))
    await expect(reading).rejects.toBeInstanceOf(UnreadableUrl)
    expect(fetched).not.toHaveBeenCalled()
  },
)
