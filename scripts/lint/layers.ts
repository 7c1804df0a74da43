/*
 * Checks the arrows between the rooms of src. Each runs down the table of layers-table.ts; files and rooms form no circle.
 * An import of a type is an arrow too.
 *
 *     node scripts/lint/layers.ts          exits with 1 on a breach
 *     node scripts/lint/layers.ts --rooms  prints the arrows of each room
 */
import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { APART, FLOORS } from './layers-table.ts'
import { filesBelow, importsOf, sourceOf } from './source.ts'

/** Imported files of each file; both are paths within src. */
export type Arrows = Map<string, string[]>

/** The arrows between the files below a folder; packages and files outside of it are left out. */
export function arrowsBelow(root: string): Arrows {
  return new Map(
    filesBelow(root, ['.ts']).map((file) => {
      const targets = importsOf(sourceOf(file))
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => relative(root, fileOf(join(dirname(file), specifier))))
      return [relative(root, file), targets.filter((target) => !target.startsWith('..'))]
    }),
  )
}

function fileOf(path: string): string {
  return [path, `${path}.ts`, `${path}/index.ts`].find((file) => /\.\w+$/.test(file) && existsSync(file)) ?? path
}

/** The longest name in the table that fits a file; undefined where none does. */
export function roomOf(file: string, floors: string[][]): string | undefined {
  const rooms = floors.flat().filter((room) => file === room || file.startsWith(`${room}/`))
  return rooms.toSorted((a, b) => b.length - a.length)[0]
}

/** The breaches of the table, in words. */
export function upwardArrows(arrows: Arrows, floors: string[][]): string[] {
  const floorOf = (room: string): number => floors.findIndex((floor) => floor.includes(room))
  return [...arrows].flatMap(([file, targets]) => {
    const from = roomOf(file, floors)
    if (from === undefined) return [`${file} is in no room of scripts/lint/layers-table.ts`]
    return targets.flatMap((target) => {
      const to = roomOf(target, floors)
      if (to === undefined || from === to || floorOf(from) < floorOf(to)) return []
      return [`${file} imports ${target}: ${from} is not above ${to}`]
    })
  })
}

/** Circles, each as its members in order; a graph without any gives none. */
export function circlesIn(arrows: Arrows): string[][] {
  const done = new Set<string>()
  const circles: string[][] = []
  const visit = (node: string, path: string[]): void => {
    const at = path.indexOf(node)
    if (at >= 0) circles.push(path.slice(at))
    if (at >= 0 || done.has(node)) return
    for (const target of arrows.get(node) ?? []) visit(target, [...path, node])
    done.add(node)
  }
  for (const node of arrows.keys()) visit(node, [])
  return circles
}

/** The same arrows, between rooms. */
export function roomArrows(arrows: Arrows, floors: string[][]): Arrows {
  const rooms = new Map<string, Set<string>>()
  for (const [file, targets] of arrows) {
    const from = roomOf(file, floors) ?? file
    const seen = rooms.get(from) ?? new Set()
    for (const target of targets) seen.add(roomOf(target, floors) ?? target)
    seen.delete(from)
    rooms.set(from, seen)
  }
  return new Map([...rooms].map(([room, seen]) => [room, [...seen].toSorted()]))
}

/** Circles of whole folders. A file that is a room of its own could hide one from the circles of rooms. */
export const folderCircles = (arrows: Arrows): string[][] =>
  circlesIn(roomArrows(arrows, [[...arrows.keys()].map((file) => file.split('/')[0] ?? file)]))

/** The arrows between folders that stay apart, in words; in either direction. */
export function arrowsBetween(arrows: Arrows, apart: [folder: string, other: string][]): string[] {
  const isIn = (file: string, folder: string): boolean => file.startsWith(`${folder}/`)
  return [...arrows].flatMap(([file, targets]) =>
    targets.flatMap((target) =>
      apart
        .filter(([a, b]) => (isIn(file, a) && isIn(target, b)) || (isIn(file, b) && isIn(target, a)))
        .map(([a, b]) => `${file} imports ${target}: ${a} and ${b} stay apart`),
    ),
  )
}

function main(args: string[]): number {
  const arrows = arrowsBelow('src')
  const rooms = roomArrows(arrows, FLOORS)
  if (args.includes('--rooms')) for (const [room, targets] of rooms) console.log(`${room} -> ${targets.join(', ')}`)
  const circles = [...circlesIn(arrows), ...circlesIn(rooms), ...folderCircles(arrows)].map(
    (circle) => `a circle: ${circle.join(' > ')}`,
  )
  const breaches = [...upwardArrows(arrows, FLOORS), ...arrowsBetween(arrows, APART), ...circles]
  for (const breach of breaches) console.error(breach)
  return breaches.length > 0 ? 1 : 0
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2))
