/** Pages that are cited and not written yet; `seeds` stands for sources outside of the repository. */
export const TODO = ['architecture']
